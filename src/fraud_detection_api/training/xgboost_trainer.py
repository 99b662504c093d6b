"""XGBoost as training uses it, and nowhere else here: rows as histograms, boosting, saved models, and the trainer."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import xgboost

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import MatrixMaker
from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.model.kinds.xgboost import XGBOOST, quickest_runtime
from fraud_detection_api.model.xgboost_library import LibraryModel
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting, FitSettings, Parameters, cores
from fraud_detection_api.training.saved_model import parsed, thresholds, trees_of
from fraud_detection_api.training.tables.dataset import Dataset, Rows
from fraud_detection_api.training.trained import RoundDone, TrainedModel, maker_within

Booster = xgboost.Booster
Bins = xgboost.QuantileDMatrix
VERSION = xgboost.__version__
PROVEN_ON = 1_000  # rows on which the compiled forest has to give the library's bits before it predicts the rest
Round = Callable[[Booster, int, float | None], None]  # the booster so far, its rounds, the log loss of what is watched

# What XGBoost calls each kind; a date is a number of days.
_TYPES = {Kind.INTEGER: "int", Kind.NUMBER: "float", Kind.BOOLEAN: "i", Kind.CATEGORY: "c", Kind.DATE: "int"}
_WATCHED = "watched"


def feature_types(use_case: UseCase) -> list[str]:
    """What XGBoost calls each feature's kind."""
    return [_TYPES[field.kind] for field in use_case.features]


@dataclass(frozen=True)
class Quantiser:
    """Hands rows of a dataset to XGBoost, each value as the number of its histogram bin."""

    use_case: UseCase
    dataset: Dataset
    maker: MatrixMaker
    threads: int

    def rows(self, rows: Rows, like: Bins | None = None) -> Bins:
        """These rows with bins of their own, or with those of the rows they are like."""
        return Bins(
            self.maker.matrix(self.dataset.columns.take(rows)),
            label=self.dataset.labels[rows].astype(np.float32),
            weight=None if self.dataset.weights is None else self.dataset.weights[rows],
            feature_names=list(self.use_case.feature_names),
            feature_types=feature_types(self.use_case),
            enable_categorical=True,
            nthread=self.threads,
            ref=like,
        )


@dataclass(frozen=True)
class Watched:
    """Rows whose loss is looked at after each round, and how many rounds may pass without a better one; 0 is any."""

    rows: Bins
    patience: int


def boosted(parameters: Parameters, training: Bins, rounds: int, watched: Watched | None, on_round: Round) -> Booster:
    """Boost on these rows; whoever hears of a round may end it by raising."""
    callbacks: list[xgboost.callback.TrainingCallback] = [_EachRound(on_round)]
    if watched and watched.patience:
        callbacks.append(xgboost.callback.EarlyStopping(rounds=watched.patience))
    rows = [(watched.rows, _WATCHED)] if watched else []  # looking at them costs a tenth of the time
    return xgboost.train(parameters, training, rounds, evals=rows, verbose_eval=False, callbacks=callbacks)


def best_rounds(booster: Booster, watched: Watched | None) -> int:
    """How many rounds are worth keeping."""
    return booster.best_iteration + 1 if watched and watched.patience else booster.num_boosted_rounds()


def loaded(model: bytes) -> Booster:
    """XGBoost's own booster of a saved model."""
    booster = Booster({"nthread": 1})
    booster.load_model(bytearray(model))
    return booster


class _EachRound(xgboost.callback.TrainingCallback):
    def __init__(self, on_round: Round) -> None:
        self._on_round = on_round

    def after_iteration(
        self, model: Booster, epoch: int, evals_log: xgboost.callback.TrainingCallback.EvalsLog
    ) -> bool:
        loss = evals_log[_WATCHED]["logloss"][-1] if evals_log else None
        self._on_round(model, epoch + 1, loss[0] if isinstance(loss, tuple) else loss)
        return False


@dataclass(frozen=True)
class XGBoostTrainer:
    """Boosted trees on histograms; no class weights, because the threshold carries the cost, not the training."""

    boosting: Boosting = field(default_factory=Boosting)
    threads: int = 0  # 0 takes every core
    device: str = "cpu"

    @property
    def parameters(self) -> Parameters:
        """What the library is told."""
        return self.boosting.parameters | {"device": self.device, "nthread": cores(self.threads)}

    @property
    def most_rounds(self) -> int:
        """As many as are asked for; the stopping rows may end it sooner."""
        return self.boosting.rounds

    def train(
        self, use_case: UseCase, dataset: Dataset, rows: Rows, stopping: Rows, on_round: RoundDone
    ) -> TrainedModel:
        """Boost on these rows until the stopping rows see no more gain; without stopping rows, every round."""
        maker = maker_within(use_case, dataset, rows)
        quantised = Quantiser(use_case, dataset, maker, int(self.parameters["nthread"]))
        training = quantised.rows(rows)
        decides = bool(self.boosting.patience and len(stopping))
        watched = Watched(quantised.rows(stopping, training), self.boosting.patience) if decides else None
        booster = boosted(
            self.parameters, training, self.boosting.rounds, watched, lambda _, done, loss: on_round(done, loss)
        )
        kept = booster[: best_rounds(booster, watched)] if watched else booster
        del training, watched
        return self.proven(bytes(kept.save_raw("json")), dataset.columns.take(rows[:PROVEN_ON]), maker)

    def proven(self, model: bytes, some: Columns, maker: MatrixMaker) -> TrainedModel:
        """A saved model as it will be served; the compiled forest has to give the library's bits on some rows."""
        library = LibraryModel.read(model, int(self.parameters["nthread"]))
        matrix = maker.matrix(some)
        runtime = quickest_runtime(model, Reference(matrix, library.probabilities(matrix)), lambda: library)
        rounds = loaded(model).num_boosted_rounds()
        return TrainedModel(
            kind=XGBOOST,
            model=model,
            runtime=runtime,
            maker=maker,
            rounds=rounds,
            learned_with={"xgboost": VERSION},
            chosen={"rounds": rounds, "most_rounds": self.boosting.rounds, "patience": self.boosting.patience},
            thresholds=thresholds(trees_of(parsed(model))),
            original=library.probabilities,
        )


def trainer(_: str, settings: FitSettings) -> XGBoostTrainer:
    """The trainer that `--model xgboost` asks for."""
    return XGBoostTrainer(settings.boosting, settings.threads, settings.device)
