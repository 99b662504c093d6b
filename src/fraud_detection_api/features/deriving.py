"""What the model sees of checked records: fields as they are, derived values, what is remembered, nothing carried."""

import numpy as np

from fraud_detection_api.features.columns import Columns, Numbers
from fraud_detection_api.history_errors import HistoriesNotLookedUp
from fraud_detection_api.schemas.record import LARGEST
from fraud_detection_api.schemas.times import Values
from fraud_detection_api.schemas.use_case import UseCase


def derive(columns: Columns, use_case: UseCase) -> Columns:
    """The columns of the features; those of the record themselves, where the model sees just them."""
    if not (use_case.derived or use_case.carried or use_case.histories):
        return columns
    given = columns.numbers[:, 0].tolist() if len(columns) == 1 else columns.numbers  # one record is plain numbers
    own = [given[place] for place in use_case.seen_places]
    for each, sources in use_case.derivations:
        own.append(_held(each.values(*[given[place] * unit if unit > 1 else given[place] for place, unit in sources])))
    known = _remembered(columns, use_case) if use_case.histories else ()
    numbers = np.empty((len(own) + len(known), len(columns)))
    numbers[: len(own)] = np.array(own, np.float64).reshape(len(own), len(columns))
    if use_case.histories:
        numbers[len(own) :] = known
    derived = numbers[len(use_case.seen_places) :]
    derived += 0.0  # no zero is negative
    texts = {name: values for name, values in columns.texts.items() if name not in use_case.carried}
    return Columns(columns.identifiers, numbers, texts, given=columns)


def _held(values: Values) -> Values:
    """Beyond what float32 holds there is only its largest number; nothing that is remembered reaches that."""
    if isinstance(values, float):
        return max(min(values, LARGEST), -LARGEST)
    return np.maximum(np.minimum(values, LARGEST), -LARGEST)


def _remembered(columns: Columns, use_case: UseCase) -> Numbers:
    if columns.remembered is None:
        raise HistoriesNotLookedUp(use_case.name)
    return columns.remembered.values
