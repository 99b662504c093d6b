"""The plan of a history: which numbers an entry has, which windows are asked of it, and which statistics of those."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fraud_detection_api.schemas.histories import AMOUNTS, LABELS, History, Remembered, Statistic

TIME, ID, RECEIVED, LABEL, FIRST_VALUE = range(5)  # of an entry; its amounts and values come after these
MISSING = np.iinfo(np.int64).min


@dataclass(frozen=True)
class PlannedStatistic:
    """A statistic by the numbers that the kernel knows: window, column of the entry, and its scale or delay."""

    kind: Statistic
    window: int
    column: int
    argument: int


@dataclass(frozen=True)
class Plan:
    """What the kernel has to know of a history."""

    history: History

    @property
    def kept(self) -> int:
        """How many entries of a key are kept."""
        return self.history.kept

    @cached_property
    def amounts(self) -> tuple[str, ...]:
        """The fields that entries hold as whole numbers of their smallest unit."""
        return tuple(dict.fromkeys(each.of for each in self.history.statistics if each.statistic in AMOUNTS))

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The fields of which entries only tell whether they are the same."""
        others = (each.of for each in self.history.statistics if each.statistic not in AMOUNTS)
        return tuple(dict.fromkeys(filter(None, others)))

    @property
    def width(self) -> int:
        """How many numbers an entry has."""
        return FIRST_VALUE + len(self.amounts) + len(self.values)

    @cached_property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """How many records each window holds at most, and how many milliseconds; 0 is no bound."""
        return self.history.windows

    @cached_property
    def statistics(self) -> tuple[PlannedStatistic, ...]:
        """The statistics, in the order of the features."""
        return tuple(
            PlannedStatistic(each.statistic, self.windows.index((each.most, each.span)), *self._of(each))
            for each in self.history.statistics
        )

    def _of(self, each: Remembered) -> tuple[int, int]:
        if each.statistic in AMOUNTS:
            return FIRST_VALUE + self.amounts.index(each.of), 10**self.history.decimals
        if each.of:
            return FIRST_VALUE + len(self.amounts) + self.values.index(each.of), 0
        return TIME, each.delay if each.statistic in LABELS else 0
