"""What can be asked of a comparison."""

from dataclasses import dataclass
from pathlib import Path

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.training.fit_options import TableOptions
from fraud_detection_api.training.trainers import TRAINABLE, refuse_unknown


@dataclass(frozen=True, kw_only=True)
class CompareOptions(TableOptions):
    """Which kinds of model, on which folds, and where the table and the plot go."""

    models: str = ",".join(TRAINABLE)
    grid: bool = False
    folds: int = 3
    gap_days: int | None = None
    plot: Path | None = None
    json: Path | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of model to compare, each once."""
        names = tuple(dict.fromkeys(part.strip() for part in self.models.split(",") if part.strip()))
        refuse_unknown(names)
        return names

    def refuse_contradictions(self) -> None:
        """Refuse at once what would be refused after a long comparison."""
        super().refuse_contradictions()
        _ = self.kinds
        for path in filter(None, (self.plot, self.json)):
            if not path.parent.is_dir():
                raise DataRefused(f"{path} cannot be written: there is no folder {path.parent}.")
        if self.plot and self.plot.suffix != ".svg":
            raise DataRefused(f"The comparison is drawn as SVG: give --plot a name that ends in .svg, not {self.plot}.")
