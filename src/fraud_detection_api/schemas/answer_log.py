"""What is kept of an answer, use case by use case."""

from enum import StrEnum


class KeepMode(StrEnum):
    """How much of an answer is kept: nothing, the scores, or the scores and the records."""

    OFF = "off"
    SCORES = "scores"
    FULL = "full"
