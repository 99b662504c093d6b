"""Values as they were sent: columns become JSON's values again."""

from collections.abc import Mapping, Sequence
from math import isnan

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.problems import Scalar
from fraud_detection_api.schemas.record import Feature, Kind, json_of

NOTHING: Mapping[str, Scalar] = {}


class SentValues:
    """What makes JSON's values of columns that are these fields."""

    def __init__(self, fields: Sequence[Feature]) -> None:
        self._names = [field.name for field in fields]
        self._texts = [(place, field.name) for place, field in enumerate(fields) if field.kind is Kind.CATEGORY]
        self._made = [
            (place, int if _is_short(field) else json_of(field.kind))
            for place, field in enumerate(fields)
            if field.kind not in (Kind.CATEGORY, Kind.NUMBER)
        ]

    def rows(self, columns: Columns) -> list[list[Scalar]]:
        """Each record's values."""
        return [self._made_of(numbers, columns, row) for row, numbers in enumerate(columns.numbers.T.tolist())]

    def by_name(self, columns: Columns) -> list[dict[str, Scalar]]:
        """Each record's values by the names of the fields."""
        return [dict(zip(self._names, row, strict=True)) for row in self.rows(columns)]

    def of_row(self, columns: Columns, row: int, before: Mapping[str, Scalar] = NOTHING) -> dict[str, Scalar]:
        """One record's values by the names of the fields, after others."""
        values = self._made_of(columns.numbers[:, row].tolist(), columns, row)
        found = dict(before)
        found.update(zip(self._names, values, strict=True))
        return found

    def _made_of(self, numbers: list[float], columns: Columns, row: int) -> list[Scalar]:
        values: list[Scalar] = [*numbers]
        made = self._made
        if isnan(sum(numbers)):  # as soon as one is missing
            values = [None if number != number else number for number in numbers]  # noqa: PLR0124
            made = [(place, make) for place, make in made if values[place] is not None]
        for place, make in made:
            values[place] = make(numbers[place])
        for place, name in self._texts:
            values[place] = columns.texts[name][row]
        return values


def _is_short(field: Feature) -> bool:
    """Whether its values are whole numbers that JSON's readers take for such, however large."""
    return field.kind is Kind.INTEGER and field.low >= -(2**63) and field.high < 2**63
