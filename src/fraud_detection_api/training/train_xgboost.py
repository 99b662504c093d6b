"""The trainer: rows of a dataset in, a model out that predicts as it will be served."""

from dataclasses import dataclass, field

import numpy as np
import xgboost

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import Categories, MatrixMaker
from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.model.kinds.xgboost import XGBOOST, quickest_runtime
from fraud_detection_api.model.xgboost_library import LibraryModel
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting, Parameters, cores
from fraud_detection_api.training.fit_settings import FitSettings
from fraud_detection_api.training.saved_model import parsed, thresholds
from fraud_detection_api.training.tables.dataset import Dataset, Rows
from fraud_detection_api.training.trained import RoundDone, TrainedModel, categories_within

PROVEN_ON = 1_000  # rows on which the compiled forest has to give the library's bits before it predicts the rest

# What the library calls each kind; a date is a number of days.
_TYPES = {Kind.INTEGER: "int", Kind.NUMBER: "float", Kind.BOOLEAN: "i", Kind.CATEGORY: "c", Kind.DATE: "int"}


@dataclass(frozen=True)
class Quantiser:
    """Hands rows of a dataset to the library, each value as the number of its histogram bin."""

    use_case: UseCase
    dataset: Dataset
    maker: MatrixMaker
    threads: int

    def rows(self, rows: Rows, like: xgboost.QuantileDMatrix | None = None) -> xgboost.QuantileDMatrix:
        """These rows with bins of their own, or with those of the rows they are like."""
        return xgboost.QuantileDMatrix(
            self.maker.matrix(self.dataset.columns.take(rows)),
            label=self.dataset.labels[rows].astype(np.float32),
            feature_names=list(self.use_case.feature_names),
            feature_types=[_TYPES[field.kind] for field in self.use_case.features],
            enable_categorical=True,
            nthread=self.threads,
            ref=like,
        )


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
        categories = categories_within(use_case, dataset, rows)
        maker = MatrixMaker(use_case.feature_names, categories)
        quantised = Quantiser(use_case, dataset, maker, int(self.parameters["nthread"]))
        training = quantised.rows(rows)
        watched = quantised.rows(stopping, training) if self._watches(stopping) else None
        booster = self._boosted(training, watched, on_round)
        del training, watched
        return self._proven(booster, dataset.columns.take(rows[:PROVEN_ON]), maker, categories)

    def _watches(self, stopping: Rows) -> bool:
        return bool(self.boosting.patience and len(stopping))

    def _boosted(
        self, training: xgboost.QuantileDMatrix, stopping: xgboost.QuantileDMatrix | None, on_round: RoundDone
    ) -> xgboost.Booster:
        callbacks: list[xgboost.callback.TrainingCallback] = [_EachRound(on_round)]
        rounds = self.boosting.rounds
        if stopping is None:  # nothing is decided by the stopping rows: looking at them costs a tenth of the time
            return xgboost.train(self.parameters, training, rounds, verbose_eval=False, callbacks=callbacks)
        callbacks.append(xgboost.callback.EarlyStopping(rounds=self.boosting.patience))
        watched = [(stopping, "stopping")]
        booster = xgboost.train(
            self.parameters, training, rounds, evals=watched, verbose_eval=False, callbacks=callbacks
        )
        return booster[: booster.best_iteration + 1]

    def _proven(
        self, booster: xgboost.Booster, some: Columns, maker: MatrixMaker, categories: Categories
    ) -> TrainedModel:
        model = bytes(booster.save_raw("json"))
        library = LibraryModel.read(model, int(self.parameters["nthread"]))
        matrix = maker.matrix(some)
        runtime = quickest_runtime(model, Reference(matrix, library.probabilities(matrix)), lambda: library)
        rounds = booster.num_boosted_rounds()
        return TrainedModel(
            kind=XGBOOST,
            model=model,
            categories=categories,
            runtime=runtime,
            maker=maker,
            rounds=rounds,
            learned_with={"xgboost": xgboost.__version__},
            chosen={"rounds": rounds, "most_rounds": self.boosting.rounds, "patience": self.boosting.patience},
            thresholds=thresholds(parsed(model)),
            original=library.probabilities,
        )


def trainer(_: str, settings: FitSettings) -> XGBoostTrainer:
    """The trainer that `--model xgboost` asks for."""
    return XGBoostTrainer(settings.boosting, settings.threads, settings.device)


class _EachRound(xgboost.callback.TrainingCallback):
    def __init__(self, on_round: RoundDone) -> None:
        self._on_round = on_round

    def after_iteration(
        self,
        model: xgboost.Booster,  # noqa: ARG002 - the library passes it
        epoch: int,
        evals_log: xgboost.callback.TrainingCallback.EvalsLog,
    ) -> bool:
        loss = evals_log["stopping"]["logloss"][-1] if evals_log else None
        self._on_round(epoch + 1, loss[0] if isinstance(loss, tuple) else loss)
        return False
