"""What the model sees of checked records: fields as they are, then derived values, and nothing that is carried."""

import numpy as np

from fraud_detection_api.features.columns import Columns, Numbers
from fraud_detection_api.schemas.record import LARGEST, Kind
from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.schemas.use_case import UseCase


def derive(columns: Columns, use_case: UseCase) -> Columns:
    """The columns of the features; those of the record themselves, where the model sees just them."""
    if not (use_case.derived or use_case.carried):
        return columns
    by_name = dict(zip((field.name for field in use_case.inputs), columns.numbers, strict=True))
    numbers = np.empty((len(use_case.features), len(columns)))
    seen = [name for name in by_name if name not in use_case.carried]
    for row, name in enumerate(seen):
        numbers[row] = by_name[name]
    for row, each in enumerate(use_case.derived, len(seen)):
        sources = (_as_source(by_name[name], use_case.by_name[name].kind) for name in each.sources)
        numbers[row] = each.values(*sources)
    derived = numbers[len(seen) :]
    np.clip(derived, -LARGEST, LARGEST, out=derived)  # beyond what float32 holds there is only its largest number
    derived += 0.0  # no zero is negative
    texts = {name: values for name, values in columns.texts.items() if name not in use_case.carried}
    return Columns(columns.identifiers, numbers, texts, given=columns)


def _as_source(numbers: Numbers, kind: Kind) -> Numbers:
    return numbers * DAY if kind is Kind.DATE else numbers
