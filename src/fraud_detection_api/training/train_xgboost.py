"""The trainer: a dataset and its split in, a model and its probabilities on the rows it never saw out."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xgboost

from fraud_detection_api.features.matrix import Categories, MatrixMaker, categories_of
from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.model.library import LibraryModel
from fraud_detection_api.model.scorer import quickest_runtime
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.proof.evaluation import Probabilities
from fraud_detection_api.training.tables.dataset import Dataset, Rows
from fraud_detection_api.training.tables.split import Split

PROVEN_ON = 1_000  # rows on which the compiled forest has to give the library's bits before it predicts the rest
RoundDone = Callable[[int, float | None], None]
Parameters = dict[str, str | int | float]

# What the library calls each kind; a date is a number of days.
_TYPES = {Kind.INTEGER: "int", Kind.NUMBER: "float", Kind.BOOLEAN: "i", Kind.CATEGORY: "c", Kind.DATE: "int"}


@dataclass(frozen=True)
class TrainedModel:
    """The model as the library saves it, cut at its best round, and what it says of rows it was not trained on."""

    model: bytes
    rounds: int
    categories: Categories
    stopping: Probabilities
    validation: Probabilities


@dataclass(frozen=True)
class XGBoostTrainer:
    """Boosted trees on histograms; no class weights, because the threshold carries the cost, not the training."""

    rounds: int = 300
    depth: int = 6
    learning_rate: float = 0.1
    patience: int = 30  # rounds without a better log loss until training stops; 0 trains every round
    seed: int = 0
    threads: int = 0  # 0 takes every core
    device: str = "cpu"

    @property
    def parameters(self) -> Parameters:
        """What the library is told."""
        return {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": self.depth,
            "learning_rate": self.learning_rate,
            "seed": self.seed,
            "device": self.device,
            "nthread": self.threads or len(os.sched_getaffinity(0)),
        }

    def train(self, use_case: UseCase, dataset: Dataset, parts: Split, on_round: RoundDone) -> TrainedModel:
        """Boost on the training rows until the stopping rows see no more gain."""
        categories = _categories(dataset, parts.train)
        maker = MatrixMaker(use_case.feature_names, categories)
        training = self._quantiles(use_case, dataset, maker, parts.train)
        stopping = self._quantiles(use_case, dataset, maker, parts.stopping, training)
        booster = self._boosted(training, stopping, on_round)
        del training, stopping
        return self._proven(booster, dataset, parts, maker, categories)

    def _quantiles(
        self,
        use_case: UseCase,
        dataset: Dataset,
        maker: MatrixMaker,
        rows: Rows,
        like: xgboost.QuantileDMatrix | None = None,
    ) -> xgboost.QuantileDMatrix:
        return xgboost.QuantileDMatrix(
            maker.matrix(dataset.columns.take(rows)),
            label=dataset.labels[rows].astype(np.float32),
            feature_names=list(use_case.feature_names),
            feature_types=[_TYPES[field.kind] for field in use_case.features],
            enable_categorical=True,
            nthread=int(self.parameters["nthread"]),
            ref=like,
        )

    def _boosted(
        self, training: xgboost.QuantileDMatrix, stopping: xgboost.QuantileDMatrix, on_round: RoundDone
    ) -> xgboost.Booster:
        callbacks: list[xgboost.callback.TrainingCallback] = [_EachRound(on_round)]
        if not self.patience:  # nothing is decided by the stopping rows: looking at them costs a tenth of the time
            return xgboost.train(self.parameters, training, self.rounds, verbose_eval=False, callbacks=callbacks)
        callbacks.append(xgboost.callback.EarlyStopping(rounds=self.patience))
        watched = [(stopping, "stopping")]
        booster = xgboost.train(
            self.parameters, training, self.rounds, evals=watched, verbose_eval=False, callbacks=callbacks
        )
        return booster[: booster.best_iteration + 1]

    def _proven(
        self, booster: xgboost.Booster, dataset: Dataset, parts: Split, maker: MatrixMaker, categories: Categories
    ) -> TrainedModel:
        model = bytes(booster.save_raw("json"))
        stopping, validation = (maker.matrix(dataset.columns.take(rows)) for rows in (parts.stopping, parts.validation))
        library = LibraryModel.read(model, int(self.parameters["nthread"]))
        some = stopping[:PROVEN_ON]
        runtime = quickest_runtime(model, Reference(some, library.probabilities(some)), lambda: library)
        rounds = booster.num_boosted_rounds()
        return TrainedModel(
            model, rounds, categories, runtime.probabilities(stopping), runtime.probabilities(validation)
        )


def _categories(dataset: Dataset, rows: Rows) -> dict[str, list[str]]:
    return categories_of({name: [texts[row] for row in rows] for name, texts in dataset.columns.texts.items()})


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
