"""Values as they were sent: columns become JSON's values again."""

import math
from collections.abc import Sequence

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.problems import Scalar
from fraud_detection_api.schemas.record import Feature, Kind, to_json


def values_of(columns: Columns, fields: Sequence[Feature]) -> list[list[Scalar]]:
    """Each record's values of these fields, which are those of the columns."""
    by_field = [
        columns.texts[field.name]
        if field.kind is Kind.CATEGORY
        else [_sent(field.kind, each) for each in numbers.tolist()]
        for field, numbers in zip(fields, columns.numbers, strict=True)
    ]
    return [list(row) for row in zip(*by_field, strict=True)]


def _sent(kind: Kind, number: float) -> Scalar:
    return None if math.isnan(number) else to_json(kind, number)
