"""What the gate said of a run's model, in words."""

from collections.abc import Iterator, Mapping
from typing import Final

Verdict = Mapping[str, object]

TOLD: Final = ("passed", "version", "is_champion", "average_precision", "best_average_precision", "failed")


def verdict_words(verdict: Verdict) -> str:
    """What came of it, in a few words."""
    passed, version = bool(verdict.get("passed")), verdict.get("version", "the model")
    if verdict.get("is_champion"):
        return f"{version} is champion"
    return f"{version} passed the gate" if passed else f"{version} failed the gate"


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """All of it, a line each: what became of the model, what it is worth, what the gate missed."""
    version = verdict.get("version", "the model")
    if not verdict.get("passed"):
        yield f"The gate FAILED: {version} is published, the champion before it stays."
    else:
        yield f"The gate passed: {version} is champion now." if verdict.get("is_champion") else "The gate passed."
    yield from _precision(verdict)
    failed = verdict.get("failed")
    for detail in failed if isinstance(failed, list) else ():
        yield f"FAILED  {detail}"
    rest = {name: value for name, value in verdict.items() if name not in TOLD}  # of steps of a team's own
    yield from (f"{name.replace('_', ' ')}: {value}" for name, value in rest.items())


def _precision(verdict: Verdict) -> Iterator[str]:
    reached, best = verdict.get("average_precision"), verdict.get("best_average_precision")
    if isinstance(reached, float):
        beside = f"; the best possible on these orders is {best:.3f}" if isinstance(best, float) else ""
        yield f"Average precision on later orders: {reached:.3f}{beside}."
