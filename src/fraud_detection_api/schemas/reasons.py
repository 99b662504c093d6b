"""What may be asked about the reasons of a score."""

from dataclasses import dataclass
from enum import StrEnum

MOST_REASONS = 20


class ReasonsFor(StrEnum):
    """Which records get their reasons."""

    FLAGGED = "flagged"
    ALL = "all"


@dataclass(frozen=True)
class ReasonsQuery:
    """How many reasons a record may get, and which records get any."""

    most: int
    of: ReasonsFor = ReasonsFor.FLAGGED


def reasons_query(most: int, of: ReasonsFor) -> ReasonsQuery | None:
    """What is asked, if anything is."""
    return ReasonsQuery(most, of) if most else None


@dataclass(frozen=True)
class Question:
    """What is wanted beside the scores."""

    reasons: ReasonsQuery | None = None
    anomaly_score: bool = False
    dry_run: bool = False  # histories are read, and the records are not remembered


JUST_SCORES = Question()
