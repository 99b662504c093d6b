"""Values as they were sent: columns become JSON's values again."""

from collections.abc import Sequence

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.problems import Scalar
from fraud_detection_api.schemas.record import Feature, Kind, json_of


class SentValues:
    """What makes JSON's values of columns that are these fields."""

    def __init__(self, fields: Sequence[Feature]) -> None:
        self._names = [field.name for field in fields]
        self._makers = [json_of(field.kind) for field in fields]
        self._texts = [(place, field.name) for place, field in enumerate(fields) if field.kind is Kind.CATEGORY]

    def rows(self, columns: Columns) -> list[list[Scalar]]:
        """Each record's values."""
        makers = self._makers
        rows: list[list[Scalar]] = [
            [None if number != number else of(number) for of, number in zip(makers, row, strict=True)]  # noqa: PLR0124
            for row in columns.numbers.T.tolist()
        ]
        for place, name in self._texts:
            for row, text in zip(rows, columns.texts[name], strict=True):
                row[place] = text
        return rows

    def by_name(self, columns: Columns) -> list[dict[str, Scalar]]:
        """Each record's values by the names of the fields."""
        return [dict(zip(self._names, row, strict=True)) for row in self.rows(columns)]
