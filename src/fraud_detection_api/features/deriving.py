"""What the model sees of checked records: fields as they are, derived values, what is remembered, nothing carried."""

import numpy as np

from fraud_detection_api.features.columns import Columns, Numbers
from fraud_detection_api.history_errors import HistoriesNotLookedUp
from fraud_detection_api.schemas.record import LARGEST
from fraud_detection_api.schemas.use_case import UseCase


def derive(columns: Columns, use_case: UseCase) -> Columns:
    """The columns of the features; those of the record themselves, where the model sees just them."""
    if not (use_case.derived or use_case.carried or use_case.histories):
        return columns
    is_one = len(columns) == 1  # which is plain numbers
    given = columns.numbers[:, 0].tolist() if is_one else columns.numbers
    own = [given[place] for place in use_case.seen_places]
    for each, sources in use_case.derivations:
        own.append(each.values(*[given[place] * unit if unit > 1 else given[place] for place, unit in sources]))
    known = _remembered(columns, use_case) if use_case.histories else ()
    numbers = np.empty((len(own) + len(known), len(columns)))
    if is_one:
        numbers[: len(own), 0] = own
    elif own:
        numbers[: len(own)] = own
    if use_case.histories:
        numbers[len(own) :] = known
    derived = numbers[len(use_case.seen_places) :]
    np.minimum(derived, LARGEST, out=derived)  # beyond what float32 holds there is only its largest number
    np.maximum(derived, -LARGEST, out=derived)
    derived += 0.0  # no zero is negative
    texts = {name: values for name, values in columns.texts.items() if name not in use_case.carried}
    return Columns(columns.identifiers, numbers, texts, given=columns)


def _remembered(columns: Columns, use_case: UseCase) -> Numbers:
    if columns.remembered is None:
        raise HistoriesNotLookedUp(use_case.name)
    return columns.remembered.values
