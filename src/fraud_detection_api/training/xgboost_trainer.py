"""The trainer: rows of a dataset in, a model out that predicts as it will be served."""

from dataclasses import dataclass, field

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.matrix import Categories, MatrixMaker
from fraud_detection_api.model.bundle import Reference
from fraud_detection_api.model.kinds.xgboost import XGBOOST, quickest_runtime
from fraud_detection_api.model.xgboost_library import LibraryModel
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import Boosting, FitSettings, Parameters, cores
from fraud_detection_api.training.saved_model import parsed, thresholds
from fraud_detection_api.training.tables.dataset import Dataset, Rows
from fraud_detection_api.training.trained import RoundDone, TrainedModel, categories_within
from fraud_detection_api.training.xgboost_training import VERSION, Booster, Quantiser, Watched, best_rounds, boosted

PROVEN_ON = 1_000  # rows on which the compiled forest has to give the library's bits before it predicts the rest


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
        decides = bool(self.boosting.patience and len(stopping))
        watched = Watched(quantised.rows(stopping, training), self.boosting.patience) if decides else None
        booster = boosted(
            self.parameters, training, self.boosting.rounds, watched, lambda _, done, loss: on_round(done, loss)
        )
        kept = booster[: best_rounds(booster, watched)] if watched else booster
        del training, watched
        return self._proven(kept, dataset.columns.take(rows[:PROVEN_ON]), maker, categories)

    def _proven(self, booster: Booster, some: Columns, maker: MatrixMaker, categories: Categories) -> TrainedModel:
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
            learned_with={"xgboost": VERSION},
            chosen={"rounds": rounds, "most_rounds": self.boosting.rounds, "patience": self.boosting.patience},
            thresholds=thresholds(parsed(model)),
            original=library.probabilities,
        )


def trainer(_: str, settings: FitSettings) -> XGBoostTrainer:
    """The trainer that `--model xgboost` asks for."""
    return XGBoostTrainer(settings.boosting, settings.threads, settings.device)
