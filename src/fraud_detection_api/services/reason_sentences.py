"""The sentence of a reason: from the field's own template, or from its help text."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter

from fraud_detection_api.problems import Scalar
from fraud_detection_api.schemas.record import Feature

RAISES, LOWERS = "raises", "lowers"
GROUPED_FROM = 10_000  # 2019 may be a year and 5411 a code: digits of whole numbers are grouped from five on


@dataclass(frozen=True)
class Wording:
    """A field's template, as text and positions of the fields whose values come after it, in turn."""

    field: Feature
    position: int
    parts: tuple[tuple[str, int | None], ...]
    pushed: str = "risk"  # or anomaly, where nobody knows the frauds

    def sentence(self, values: Sequence[Scalar], direction: str) -> str:
        """The sentence on a record with these values, in the order of the features."""
        subject = self.field.description.rstrip(". ")
        named = [values[at] for _, at in self.parts if at is not None]
        if values[self.position] is None:
            return f"{subject} is missing: {direction} the {self.pushed}"
        if not self.parts or None in named:
            return f"{subject}: {in_words(values[self.position])}, {direction} the {self.pushed}"
        said = "".join(text if at is None else text + in_words(values[at]) for text, at in self.parts)
        return f"{said}: {direction} the {self.pushed}"


def wordings(fields: Sequence[Feature], pushed: str = "risk") -> tuple[Wording, ...]:
    """How each of these fields is worded."""
    position = {field.name: index for index, field in enumerate(fields)}
    return tuple(
        Wording(
            field,
            index,
            tuple((text, position[name] if name else None) for text, name, _, _ in Formatter().parse(field.reason)),
            pushed,
        )
        for index, field in enumerate(fields)
    )


def in_words(value: Scalar) -> str:
    """A value as people write it: 2,000.50 and 0.25, yes and no, texts and days as they are."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= GROUPED_FROM else str(value)
    if isinstance(value, float):
        return _amount(value)
    return str(value)


def _amount(value: float) -> str:
    if abs(value) < 1_000 or abs(value) >= 1e15:
        return f"{value:.6g}"
    return f"{value:,.0f}" if value.is_integer() else f"{value:,.2f}"
