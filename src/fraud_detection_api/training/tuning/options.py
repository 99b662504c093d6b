"""What can be asked of a tuning run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Option

from fraud_detection_api.training.fit_options import GapDays, ModelsFolder, TableOptions, Track, TrackingUri


@dataclass(frozen=True, kw_only=True)
class TuneOptions(TableOptions):
    """How long to look, for what, and on which folds; how to boost says where the search starts."""

    trials: Annotated[int, Option(min=1, help="Trials that the study shall have, those of earlier runs among them")] = (
        60
    )
    minutes: Annotated[float, Option(min=0, help="Minutes after which this run begins no trial, and ends the last")] = (
        10
    )
    aim: Annotated[
        str, Option(help="The measure to tune for: average_precision, roc_auc, brier, log_loss, cost, ...")
    ] = "average_precision"
    folds: Annotated[int, Option(min=2, max=20, help="Folds, in time order where there is a time column")] = 3
    models: ModelsFolder = None
    gap_days: GapDays = None
    track: Track = None
    tracking: TrackingUri = None

    @property
    def registry_folder(self) -> Path:
        """Where studies and tuned files are kept."""
        return self.models or Path("models")
