"""The trainer of scikit-learn's models: a pipeline is fitted, exported, and from then on only its export is asked."""

from dataclasses import dataclass

import numpy as np
import sklearn  # type: ignore[import-untyped]  # it ships no types

from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.kinds.kind import ModelKind
from fraud_detection_api.model.kinds.onnx import ONNX
from fraud_detection_api.model.kinds.tree_ensemble import TREE_ENSEMBLE
from fraud_detection_api.model.onnx_model import OnnxModel
from fraud_detection_api.model.runtimes import Runtime
from fraud_detection_api.model.tree_ensemble import TreeEnsemble
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.boosting import FitSettings, Parameters
from fraud_detection_api.training.comparing.candidates import fitted_as
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.comparing.pipelines import FittedPipeline
from fraud_detection_api.training.exporting.exporting import exported
from fraud_detection_api.training.exporting.originals import last_step
from fraud_detection_api.training.exporting.tree_file import grows_trees, tree_file
from fraud_detection_api.training.saved_model import Thresholds
from fraud_detection_api.training.tables.dataset import Dataset, Rows
from fraud_detection_api.training.tables.folds import Fold
from fraud_detection_api.training.trained import RoundDone, TrainedModel

NOBODY: Rows = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True)
class PipelineTrainer:
    """One kind of scikit-learn pipeline: everything in it is fitted on the training rows alone."""

    name: str
    settings: FitSettings

    @property
    def parameters(self) -> Parameters:
        """What the fit is told."""
        asked = self.settings
        return {"model": self.name, "seed": asked.seed, "nthread": asked.cores, "grid": int(asked.searches_grid)}

    @property
    def most_rounds(self) -> int:
        """One: a pipeline is fitted in one go."""
        return 1

    def train(
        self, use_case: UseCase, dataset: Dataset, rows: Rows, stopping: Rows, on_round: RoundDone
    ) -> TrainedModel:
        """Fit on these rows; a grid is searched on the stopping rows."""
        table = FoldTable.of(use_case, dataset, Fold(rows, stopping, NOBODY))
        fitted = fitted_as(self.name, table, self.settings)
        kind, model, runtime, splits = _served(fitted, table.training)
        on_round(1, None)
        return TrainedModel(
            kind=kind,
            model=model,
            runtime=runtime,
            maker=table.maker,
            thresholds=splits,
            learned_with={"scikit-learn": sklearn.__version__},
            chosen=fitted.parameters,
            remark=fitted.remark,
        )


def _served(fitted: FittedPipeline, matrix: Matrix) -> tuple[ModelKind, bytes, Runtime, Thresholds]:
    """What a fitted pipeline is served as: trees are walked; whatever else a pipeline holds goes to ONNX Runtime."""
    model = last_step(fitted.pipeline)
    if len(fitted.pipeline.steps) == 1 and grows_trees(model):
        file, thresholds = tree_file(model, matrix)
        return TREE_ENSEMBLE, file, TreeEnsemble.read(file), thresholds
    file = exported(fitted.pipeline, matrix)
    return ONNX, file, OnnxModel.read(file), {}
