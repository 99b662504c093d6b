"""What fits the tests' small models: each kind of model by its own library, which says what has to be served."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import orjson
import sklearn  # type: ignore[import-untyped]  # it ships no types
import xgboost
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer  # type: ignore[import-untyped]
from sklearn.ensemble import IsolationForest, RandomForestClassifier  # type: ignore[import-untyped]
from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.pipeline import Pipeline, make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # type: ignore[import-untyped]

from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.exporting.exporting import exported
from fraud_detection_api.training.exporting.tree_file import original_shares, tree_file
from fraud_detection_api.training.isolating.forest_file import forest_file
from fraud_detection_api.training.isolating.isolation_fit import ranks_of
from tests.model.shapley_values import shapley
from tests.model.test_isolation_reasons import anomaly
from tests.model.test_tree_reasons import known

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Scores = Floats | Doubles
Flags = NDArray[np.bool_]
THRESHOLD = 0.5
CONTAMINATION = 0.1


@dataclass(frozen=True)
class Boosted:
    """Boosted trees of XGBoost, served to the bit."""

    booster: xgboost.Booster
    names: tuple[str, ...]
    types: tuple[str, ...]
    figures: ClassVar = ("fraud_probability",)  # what an answer says of a record; the last is the library's own number
    within: ClassVar = 0.0  # how far what is served may lie from it
    pushed: ClassVar = "risk"  # what reasons raise and lower; nothing where there are none
    most_explained: ClassVar = 1_000  # rows whose contributions do not take long

    @classmethod
    def fitted(cls, matrix: Floats, use_case: UseCase, seed: int, trees: int) -> "Boosted":
        """Trees that use every feature somewhere."""
        types = tuple("c" if field.kind is Kind.CATEGORY else "q" for field in use_case.features)
        named = {"feature_names": list(use_case.feature_names), "feature_types": list(types)}
        table = xgboost.DMatrix(matrix, _labels(matrix, seed), **named, enable_categorical=True)
        parameters = {"objective": "binary:logistic", "max_depth": 5, "seed": seed, "nthread": 1}
        booster = xgboost.train(parameters | {"max_cat_to_onehot": 1}, table, trees)
        return cls(booster, use_case.feature_names, types)

    @property
    def saved(self) -> bytes:
        """As XGBoost writes it."""
        return bytes(self.booster.save_raw("json"))

    @property
    def described(self) -> dict[str, object]:
        """A manifest is of XGBoost by default."""
        return {"threshold": THRESHOLD, "libraries": {"xgboost": xgboost.__version__}}

    def scores(self, matrix: Floats) -> Floats:
        """Its probabilities."""
        return np.asarray(self.booster.inplace_predict(matrix), dtype=np.float32)

    def flagged(self, matrix: Floats) -> Flags:
        """At and above the threshold."""
        return self.scores(matrix) >= np.float32(THRESHOLD)

    def contributions(self, matrix: Floats) -> Doubles:
        """Its own TreeSHAP."""
        named = {"feature_names": list(self.names), "feature_types": list(self.types)}
        table = xgboost.DMatrix(matrix, **named, enable_categorical=True)
        return np.asarray(self.booster.predict(table, pred_contribs=True), dtype=np.float64)

    def total(self, score: float) -> float:
        """The log-odds."""
        return float(np.log(score / (1 - score)))


@dataclass(frozen=True)
class Isolated:
    """An isolation forest of scikit-learn."""

    forest: IsolationForest
    matrix: Floats
    figures: ClassVar = ("anomaly_percentile", "anomaly_score")
    within: ClassVar = 1e-12
    pushed: ClassVar = "anomaly"
    most_explained: ClassVar = 12

    @classmethod
    def fitted(cls, matrix: Floats, _: UseCase, seed: int, trees: int) -> "Isolated":
        """A forest that flags a tenth of its rows."""
        forest = IsolationForest(n_estimators=trees, contamination=CONTAMINATION, random_state=seed)
        return cls(forest.fit(matrix), matrix)

    @property
    def saved(self) -> bytes:
        """As training writes it."""
        return forest_file(self.forest, self.matrix)

    @property
    def described(self) -> dict[str, object]:
        """Its offset is the threshold; the ranks are those of its own rows."""
        return {
            "model_kind": "isolation_forest",
            "threshold": float(self.forest.offset_),
            "ranks": ranks_of(self.scores(self.matrix)),
            "parameters": {
                name: self.forest.get_params()[name] for name in ("n_estimators", "contamination", "random_state")
            },
            "libraries": {"scikit-learn": sklearn.__version__},
        }

    def scores(self, matrix: Floats) -> Doubles:
        """Its own scores: below 0, and the lower the more unusual."""
        return np.asarray(self.forest.score_samples(matrix), dtype=np.float64)

    def flagged(self, matrix: Floats) -> Flags:
        """Its own decision."""
        return np.asarray(self.forest.predict(matrix) == -1)

    def contributions(self, matrix: Floats) -> Doubles:
        """Shapley values by their definition, over every set of features: scikit-learn has none."""
        saved, features = orjson.loads(self.saved)["isolation_forest"], matrix.shape[1]
        values = [anomaly(saved["trees"], saved["average_path"], row) for row in matrix]
        return np.array([_by_definition(value, features) for value in values])

    def total(self, score: float) -> float:
        """The anomaly."""
        return float(np.log2(-score))


@dataclass(frozen=True)
class Grown:
    """A random forest of scikit-learn, served to the bit."""

    forest: RandomForestClassifier
    matrix: Floats
    figures: ClassVar = ("fraud_probability",)
    within: ClassVar = 0.0
    pushed: ClassVar = "risk"
    most_explained: ClassVar = 12

    @classmethod
    def fitted(cls, matrix: Floats, _: UseCase, seed: int, trees: int) -> "Grown":
        """Trees that see the matrix as it is."""
        forest = RandomForestClassifier(n_estimators=trees, max_depth=5, random_state=seed)
        return cls(forest.fit(matrix, _labels(matrix, seed)), matrix)

    @property
    def saved(self) -> bytes:
        """As training writes it."""
        return tree_file(self.forest, self.matrix)[0]

    @property
    def described(self) -> dict[str, object]:
        """The kind of its file."""
        versions = {"scikit-learn": sklearn.__version__}
        return {"model_kind": "tree_ensemble", "threshold": THRESHOLD, "libraries": versions}

    def scores(self, matrix: Floats) -> Floats:
        """Its probabilities."""
        return original_shares(self.forest, matrix).astype(np.float32)

    def flagged(self, matrix: Floats) -> Flags:
        """At and above the threshold."""
        return self.scores(matrix) >= np.float32(THRESHOLD)

    def contributions(self, matrix: Floats) -> Doubles:
        """Shapley values by their definition, over every set of features: scikit-learn has none."""
        return np.array([_by_definition(known(self.forest, row), matrix.shape[1]) for row in matrix])

    def total(self, score: float) -> float:
        """The probability itself."""
        return score


@dataclass(frozen=True)
class Piped:
    """A pipeline of scikit-learn, served by ONNX Runtime without reasons."""

    pipeline: Pipeline
    matrix: Floats
    figures: ClassVar = ("fraud_probability",)
    within: ClassVar = 1e-6
    pushed: ClassVar = ""
    most_explained: ClassVar = 0

    @classmethod
    def fitted(cls, matrix: Floats, use_case: UseCase, seed: int, _: int) -> "Piped":
        """Medians, scales and codes before a logistic regression."""
        kinds = [field.kind for field in use_case.features]
        codes = [position for position, kind in enumerate(kinds) if kind is Kind.CATEGORY]
        numbers = [position for position, kind in enumerate(kinds) if kind is not Kind.CATEGORY]
        median = SimpleImputer(strategy="median", add_indicator=True)
        known = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float64)
        columns = ColumnTransformer(
            [("numbers", make_pipeline(median, StandardScaler()), numbers), ("codes", known, codes)]
        )
        pipeline = Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=1_000))])
        return cls(pipeline.fit(matrix.astype(np.float64), _labels(matrix, seed)), matrix)

    @property
    def saved(self) -> bytes:
        """As training exports it."""
        return exported(self.pipeline, self.matrix)

    @property
    def described(self) -> dict[str, object]:
        """The kind of its file."""
        return {"model_kind": "onnx", "threshold": THRESHOLD, "libraries": {"scikit-learn": sklearn.__version__}}

    def scores(self, matrix: Floats) -> Floats:
        """Its probabilities."""
        return np.asarray(self.pipeline.predict_proba(matrix.astype(np.float64))[:, 1], dtype=np.float32)

    def flagged(self, matrix: Floats) -> Flags:
        """At and above the threshold."""
        return self.scores(matrix) >= np.float32(THRESHOLD)

    def contributions(self, matrix: Floats) -> Doubles:
        """Nobody knows them."""
        raise NotImplementedError(f"{len(matrix)} rows of a pipeline have no contributions")

    def total(self, score: float) -> float:
        """Nobody knows what adds up to it."""
        raise NotImplementedError(f"nothing adds up to {score}")


Library = Boosted | Grown | Isolated | Piped


def library_of(use_case: UseCase) -> type[Library]:
    """What fits the small models of a use case: the first kind that it names, an isolation forest without a label."""
    if use_case.label is None:
        return Isolated
    return {"xgboost": Boosted, "forest": Grown}.get(use_case.learning.models[0], Piped)


def _labels(matrix: Floats, seed: int) -> NDArray[np.int64]:
    """Labels that every feature has a part in."""
    random = np.random.default_rng(seed)
    ranks = np.nan_to_num(matrix).argsort(axis=0).argsort(axis=0).mean(axis=1)
    labels: NDArray[np.int64] = (ranks + random.normal(0, 50, len(matrix)) > np.quantile(ranks, 0.8)).astype(np.int64)
    return labels


def _by_definition(value: Callable[[frozenset[int]], float], features: int) -> list[float]:
    return [*(shapley(value, features, at) for at in range(features)), value(frozenset())]
