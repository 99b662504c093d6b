"""What the model sees of checked records: fields as they are, derived values, what is remembered, nothing carried."""

import numpy as np

from fraud_detection_api.features.columns import Columns, Numbers
from fraud_detection_api.history_errors import HistoriesNotLookedUp
from fraud_detection_api.schemas.record import LARGEST, Kind
from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.schemas.use_case import UseCase


def derive(columns: Columns, use_case: UseCase) -> Columns:
    """The columns of the features; those of the record themselves, where the model sees just them."""
    if not (use_case.derived or use_case.carried or use_case.histories):
        return columns
    given = columns.numbers[:, 0].tolist() if len(columns) == 1 else columns.numbers  # one record is plain numbers
    by_name = dict(zip((field.name for field in use_case.inputs), given, strict=True))
    dates = {field.name: by_name[field.name] * DAY for field in use_case.inputs if field.kind is Kind.DATE}
    sources = by_name | dates
    seen = [values for name, values in by_name.items() if name not in use_case.carried]
    made = [each.values(*[sources[name] for name in each.sources]) for each in use_case.derived]
    numbers = np.array([*seen, *made], dtype=np.float64).reshape(len(seen) + len(made), len(columns))
    if use_case.histories:
        numbers = np.concatenate([numbers, _remembered(columns, use_case)])
    derived = numbers[len(seen) :]
    np.minimum(derived, LARGEST, out=derived)  # beyond what float32 holds there is only its largest number
    np.maximum(derived, -LARGEST, out=derived)
    derived += 0.0  # no zero is negative
    texts = {name: values for name, values in columns.texts.items() if name not in use_case.carried}
    return Columns(columns.identifiers, numbers, texts, given=columns)


def _remembered(columns: Columns, use_case: UseCase) -> Numbers:
    if columns.remembered is None:
        raise HistoriesNotLookedUp(use_case.name)
    return columns.remembered.values
