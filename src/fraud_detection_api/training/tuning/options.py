"""What can be asked of a tuning run."""

from dataclasses import dataclass
from pathlib import Path

from fraud_detection_api.training.fit_options import TableOptions


@dataclass(frozen=True, kw_only=True)
class TuneOptions(TableOptions):
    """How long to look, for what, and on which folds; how to boost says where the search starts."""

    trials: int = 60
    minutes: float = 10
    aim: str = "average_precision"
    folds: int = 3
    models: Path | None = None
    gap_days: int | None = None
    track: bool | None = None
    tracking: str | None = None

    @property
    def registry_folder(self) -> Path:
        """Where studies and tuned files are kept."""
        return self.models or Path("models")
