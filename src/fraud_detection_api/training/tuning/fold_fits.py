"""Fits on folds: each fold is binned once, and every trial boosts on the same bins."""

from collections.abc import Callable
from dataclasses import dataclass

import xgboost

from fraud_detection_api.features.matrix import Matrix, MatrixMaker
from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Parameters
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.folds import Fold
from fraud_detection_api.training.train_xgboost import Quantiser, XGBoostTrainer
from fraud_detection_api.training.trained import categories_within

LOOKS = 5  # at a fold while it is boosted: after each fifth of the rounds that it may take

Look = Callable[[int, "FoldScores"], None]


@dataclass(frozen=True)
class FoldScores:
    """What a model says of a fold's choosing and judging rows."""

    choosing: Probabilities
    judging: Probabilities


@dataclass(frozen=True)
class FoldFits:
    """A fold, ready to be boosted on again and again."""

    fold: Fold
    training: xgboost.QuantileDMatrix
    watched: xgboost.QuantileDMatrix
    choosing: Matrix
    judging: Matrix

    @classmethod
    def of(cls, use_case: UseCase, dataset: Dataset, fold: Fold, threads: int) -> "FoldFits":
        """Bin the rows of a fold, knowing only the categories that its training rows hold."""
        maker = MatrixMaker(use_case.feature_names, categories_within(use_case, dataset, fold.training))
        quantised = Quantiser(use_case, dataset, maker, threads)
        training = quantised.rows(fold.training)
        choosing, judging = (maker.matrix(dataset.columns.take(rows)) for rows in (fold.choosing, fold.judging))
        return cls(fold, training, quantised.rows(fold.choosing, training), choosing, judging)

    def boosted(self, trainer: XGBoostTrainer, on_round: Callable[[], None], on_look: Look) -> FoldScores:
        """Boost until the choosing rows see no more gain; whoever looks or hears of a round may end it by raising."""
        boosting = trainer.boosting
        callbacks: list[xgboost.callback.TrainingCallback] = [
            _Looking(self, max(boosting.rounds // LOOKS, 1), on_round, on_look)
        ]
        if boosting.patience:
            callbacks.append(xgboost.callback.EarlyStopping(rounds=boosting.patience))
        booster = _trained(trainer.parameters, self, boosting.rounds, callbacks)
        best = booster.best_iteration + 1 if boosting.patience else booster.num_boosted_rounds()
        return self.scores(booster, best)

    def scores(self, booster: xgboost.Booster, rounds: int) -> FoldScores:
        """What the first rounds of a booster say."""
        choosing, judging = (
            booster.inplace_predict(matrix, iteration_range=(0, rounds)) for matrix in (self.choosing, self.judging)
        )
        return FoldScores(choosing, judging)


def _trained(
    parameters: Parameters, fits: FoldFits, rounds: int, callbacks: list[xgboost.callback.TrainingCallback]
) -> xgboost.Booster:
    watched = [(fits.watched, "choosing")]
    return xgboost.train(parameters, fits.training, rounds, evals=watched, verbose_eval=False, callbacks=callbacks)


class _Looking(xgboost.callback.TrainingCallback):
    def __init__(self, fits: FoldFits, every: int, on_round: Callable[[], None], on_look: Look) -> None:
        self._fits, self._every, self._on_round, self._on_look = fits, every, on_round, on_look

    def after_iteration(
        self,
        model: xgboost.Booster,
        epoch: int,
        evals_log: xgboost.callback.TrainingCallback.EvalsLog,  # noqa: ARG002 - the library passes it
    ) -> bool:
        self._on_round()
        rounds = epoch + 1
        if rounds % self._every == 0 and rounds < LOOKS * self._every:
            self._on_look(rounds // self._every, self._fits.scores(model, rounds))
        return False
