"""How models are to be fitted, whatever their kind: what `fraud train` and `fraud compare` hand to every trainer."""

from dataclasses import dataclass, field

from fraud_detection_api.training.boosting import Boosting, cores


@dataclass(frozen=True)
class FitSettings:
    """A trainer takes what concerns its kind."""

    boosting: Boosting = field(default_factory=Boosting)
    seed: int = 0
    threads: int = 0  # 0 takes every core
    device: str = "cpu"
    searches_grid: bool = False

    @property
    def cores(self) -> int:
        """How many threads a fit may take."""
        return cores(self.threads)
