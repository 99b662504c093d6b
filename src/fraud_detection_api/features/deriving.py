"""What the model sees of checked records: fields as they are, derived values, what is remembered, nothing carried."""

import numpy as np

from fraud_detection_api.features.columns import Columns, Numbers
from fraud_detection_api.history_errors import HistoriesNotLookedUp
from fraud_detection_api.schemas.record import LARGEST
from fraud_detection_api.schemas.times import DAY
from fraud_detection_api.schemas.use_case import UseCase


def derive(columns: Columns, use_case: UseCase) -> Columns:
    """The columns of the features; those of the record themselves, where the model sees just them."""
    if not (use_case.derived or use_case.carried or use_case.histories):
        return columns
    given = columns.numbers[:, 0].tolist() if len(columns) == 1 else columns.numbers  # one record is plain numbers
    sources = dict(zip(use_case.input_names, given, strict=True))
    seen = [sources[name] for name in use_case.seen]
    for name in use_case.dates:
        sources[name] = sources[name] * DAY
    made = [each.values(*[sources[name] for name in each.sources]) for each in use_case.derived]
    own, known = len(seen) + len(made), _remembered(columns, use_case) if use_case.histories else ()
    numbers = np.empty((own + len(known), len(columns)))
    numbers[:own] = np.array([*seen, *made], dtype=np.float64).reshape(own, len(columns))
    if use_case.histories:
        numbers[own:] = known
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
