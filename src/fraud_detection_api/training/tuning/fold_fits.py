"""Fits on folds: each fold is binned once, and every trial boosts on the same bins."""

from collections.abc import Callable
from dataclasses import dataclass

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.runtimes import Probabilities
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.tables.dataset import Dataset
from fraud_detection_api.training.tables.folds import Fold
from fraud_detection_api.training.trained import maker_within
from fraud_detection_api.training.xgboost_trainer import (
    Bins,
    Booster,
    Quantiser,
    Watched,
    XGBoostTrainer,
    best_rounds,
    boosted,
)

LOOKS = 5  # at a fold while it is boosted: after each fifth of the rounds that it may take

Look = Callable[[int, "FoldScores"], None]


@dataclass(frozen=True)
class FoldScores:
    """What a model says of a fold's threshold and validation rows."""

    threshold_rows: Probabilities
    validation_rows: Probabilities


@dataclass(frozen=True)
class FoldFits:
    """A fold, ready to be boosted on again and again."""

    fold: Fold
    training: Bins
    watched: Bins
    threshold_rows: Matrix
    validation_rows: Matrix

    @classmethod
    def of(cls, use_case: UseCase, dataset: Dataset, fold: Fold, threads: int) -> "FoldFits":
        """Bin the rows of a fold, knowing only the categories that its training rows hold."""
        maker = maker_within(use_case, dataset, fold.training)
        quantised = Quantiser(use_case, dataset, maker, threads)
        training = quantised.rows(fold.training)
        threshold_rows, validation_rows = (
            maker.matrix(dataset.columns.take(rows)) for rows in (fold.threshold_rows, fold.validation_rows)
        )
        return cls(fold, training, quantised.rows(fold.threshold_rows, training), threshold_rows, validation_rows)

    def boosted(self, trainer: XGBoostTrainer, on_round: Callable[[], None], on_look: Look) -> FoldScores:
        """Boost until the threshold rows see no more gain; whoever looks or hears of a round may end it by raising."""
        boosting, watched = trainer.boosting, Watched(self.watched, trainer.boosting.patience)
        every = max(boosting.rounds // LOOKS, 1)

        def look(booster: Booster, rounds: int, _: float | None) -> None:
            on_round()
            if rounds % every == 0 and rounds < LOOKS * every:
                on_look(rounds // every, self.scores(booster, rounds))

        booster = boosted(trainer.parameters, self.training, boosting.rounds, watched, look)
        return self.scores(booster, best_rounds(booster, watched))

    def scores(self, booster: Booster, rounds: int) -> FoldScores:
        """What the first rounds of a booster say."""
        threshold_rows, validation_rows = (
            booster.inplace_predict(matrix, iteration_range=(0, rounds))
            for matrix in (self.threshold_rows, self.validation_rows)
        )
        return FoldScores(threshold_rows, validation_rows)
