"""The review budget: how many records people can look at."""

import re
from dataclasses import dataclass

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.schemas.use_case import UseCase


@dataclass(frozen=True)
class Budget:
    """A share of all records, or so many records (entities, where records share one) each day."""

    share: float | None = None
    a_day: int | None = None

    @classmethod
    def read(cls, text: str) -> "Budget":
        """What `100/day`, `5%` or `0.05` means."""
        if daily := re.fullmatch(r"\s*([1-9]\d*)\s*/\s*day\s*", text):
            return cls(a_day=int(daily[1]))
        if share := re.fullmatch(r"\s*(\d*\.?\d+(?:[eE]-?\d+)?)\s*(%?)\s*", text):
            value = float(share[1]) / (100 if share[2] else 1)
            if 0 < value <= 1:
                return cls(share=value)
        raise DataRefused(f"A review budget is a number a day or a share, such as 100/day, 5% or 0.05, not {text!r}.")

    def refuse_without_days(self, use_case: UseCase) -> None:
        """Refuse a number a day where nothing says on which day a record lies."""
        if self.a_day and use_case.time_column is None:
            raise DataRefused(
                f"{use_case.name} has no time column, so that nobody knows its days: give the review budget as a share "
                f"instead of {self.text}, such as 5%, or name a time_column in the use case."
            )

    @property
    def text(self) -> str:
        """As `read` takes it."""
        return f"{self.a_day}/day" if self.a_day else repr(self.share)

    def __str__(self) -> str:
        return f"{self.a_day:,} a day" if self.a_day else f"{100 * (self.share or 0):.4g} % of all records"


@dataclass(frozen=True)
class ProofSettings:
    """How a model is judged: what people can review, how its threshold is chosen, and why a failed gate is passed."""

    budget: Budget
    threshold: str | None
    seed: int
    force: str | None
