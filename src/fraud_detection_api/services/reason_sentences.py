"""The sentence of a reason: from the field's own template, or from its help text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from fraud_detection_api.problems import Scalar
from fraud_detection_api.schemas.record import Feature

RAISES, LOWERS = "raises", "lowers"
MINUTE, HOUR, DAY = 60, 3_600, 86_400  # seconds
GROUPED_FROM = 10_000  # 2019 may be a year and 5411 a code: digits of whole numbers are grouped from five on


@dataclass(frozen=True)
class Part:
    """A piece of a template: text, and the feature whose value comes after it, with the form it has there."""

    text: str
    at: int | None = None
    form: str = ""


Parts = tuple[Part, ...]


@dataclass(frozen=True)
class Wording:
    """A field's template in parts, and those of its particular values."""

    field: Feature
    position: int
    parts: Parts
    at_values: dict[float | None, Parts]
    pushed: str = "risk"  # or anomaly, where nobody knows the frauds

    def sentence(self, values: Sequence[Scalar], direction: str) -> str:
        """The sentence on a record with these values, in the order of the features."""
        subject, value = self.field.description.rstrip(". "), values[self.position]
        parts = self.parts if isinstance(value, str) else self.at_values.get(value, self.parts)
        if value is None and None not in self.at_values:
            return f"{subject} is missing: {direction} the {self.pushed}"
        if not parts or any(part.at is not None and values[part.at] is None for part in parts):
            return f"{subject}: {in_words(value)}, {direction} the {self.pushed}"
        said = "".join(part.text + ("" if part.at is None else in_form(values[part.at], part.form)) for part in parts)
        return f"{said}: {direction} the {self.pushed}"


def wordings(fields: Sequence[Feature], pushed: str = "risk") -> tuple[Wording, ...]:
    """How each of these fields is worded."""
    position = {field.name: index for index, field in enumerate(fields)}
    return tuple(
        Wording(
            field,
            index,
            _parts(field.reason, position),
            {value: _parts(sentence, position) for value, sentence in field.reasons_at},
            pushed,
        )
        for index, field in enumerate(fields)
    )


def _parts(template: str, position: Mapping[str, int]) -> Parts:
    return tuple(
        Part(text, position[name] if name else None, form or "") for text, name, form, _ in Formatter().parse(template)
    )


def in_form(value: Scalar, form: str) -> str:
    """A value in one of the forms that a template may ask for: with so many decimals, as times, percent, or a time."""
    if not form or isinstance(value, str | bool) or value is None:
        return in_words(value)
    match form:
        case "times":
            return _times(value)
        case "percent":
            return f"{float(f'{100 * value:.2g}'):g}%"
        case "duration":
            return _duration(value)
        case decimals:
            return f"{value:,.{decimals}f}"


def _times(value: float) -> str:
    """To two digits: 62, 6.2, 0.62."""
    if abs(value) >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 0.995 else f"{value:.2g}"


def _duration(seconds: float) -> str:
    units = ((DAY, 2 * DAY, "day"), (HOUR, 2 * HOUR, "hour"), (MINUTE, 2 * MINUTE, "minute"), (1, 0, "second"))
    size, name = next((size, name) for size, least, name in units if seconds >= least)
    amount = f"{seconds / size:,.0f}" if seconds >= 1 else f"{seconds:.1g}"
    return f"{amount} {name}{'' if amount == '1' else 's'}"


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
