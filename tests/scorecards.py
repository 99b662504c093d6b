"""A team's own kind of model, all of it in one file: a weighted sum, put through the logistic curve."""

from dataclasses import dataclass, replace

import numpy as np
import orjson
from numpy.typing import NDArray

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.bundle import Bundle
from fraud_detection_api.model.kinds.kind import ModelKind, gives_same_bits
from fraud_detection_api.model.runtimes import Contributions, Probabilities
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import FitSettings, Parameters
from fraud_detection_api.training.tables.dataset import Dataset, Rows
from fraud_detection_api.training.trained import RoundDone, TrainedModel, maker_within
from tests.training.claims import CLAIMS

NAME = "tests.scorecards:SCORECARD"


@dataclass(frozen=True)
class Scorecard:
    """One weight a feature; what is missing weighs nothing."""

    weights: NDArray[np.float64]
    bias: float
    is_quick: bool = True

    @classmethod
    def read(cls, model: bytes) -> "Scorecard":
        """The weights of a bundle."""
        saved = orjson.loads(model)
        return cls(np.array(saved["weights"], dtype=np.float64), float(saved["bias"]))

    def probabilities(self, matrix: Matrix) -> Probabilities:
        """The logistic of the sum."""
        margins = np.clip(self.contributions(matrix).sum(axis=1), -50, 50)
        return np.asarray(1 / (1 + np.exp(-margins)), dtype=np.float32)

    def contributions(self, matrix: Matrix) -> Contributions:
        """Each feature's part of the sum, and the bias."""
        parts = np.nan_to_num(matrix.astype(np.float64)) * self.weights
        return np.column_stack([parts, np.full(len(matrix), self.bias)])


@dataclass(frozen=True)
class ScorecardTrainer:
    """Least squares on scaled features, as crude as it is quick."""

    seed: int
    most_rounds: int = 1

    @property
    def parameters(self) -> Parameters:
        """What a fit is told."""
        return {"seed": self.seed}

    def train(
        self, use_case: UseCase, dataset: Dataset, rows: Rows, stopping: Rows, on_round: RoundDone
    ) -> TrainedModel:
        """Fit on these rows; the others choose nothing."""
        del stopping
        maker = maker_within(use_case, dataset, rows)
        known = np.nan_to_num(maker.matrix(dataset.columns.take(rows)).astype(np.float64))
        scales = known.std(axis=0) + 1e-9
        table = np.column_stack([known / scales, np.ones(len(known))])
        found, *_ = np.linalg.lstsq(table, 4 * (dataset.labels[rows] - 0.5), rcond=None)
        saved = {"weights": (found[:-1] / scales).tolist(), "bias": float(found[-1])}
        model = orjson.dumps(saved)
        on_round(1, None)
        return TrainedModel(kind=SCORECARD, model=model, runtime=Scorecard.read(model), maker=maker)


def trainer(name: str, settings: FitSettings) -> ScorecardTrainer:
    """What `--model` asks for by that name."""
    assert name == NAME
    return ScorecardTrainer(settings.seed)


def _load(bundle: Bundle) -> Scorecard:
    scorecard = Scorecard.read(bundle.model)
    if not gives_same_bits(scorecard, bundle.reference):
        raise BundleRefused(bundle.version, "its weights were changed")
    return scorecard


SCORECARD = ModelKind(
    name=NAME,
    words="scorecard",
    load=_load,
    model_file="model.weights",
    explained_in="log-odds",
    trainer="tests.scorecards:trainer",
)
SCORED_CLAIMS = replace(
    CLAIMS,
    name="scored_claims",
    learning=Supervised(label="is_fraud", time_column="claimed_on", models=(NAME,)),
)
