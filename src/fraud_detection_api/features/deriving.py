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
    given = columns.numbers[:, 0].tolist() if len(columns) == 1 else columns.numbers  # one record is plain numbers
    seen = [given[place] for place in use_case.seen_places]
    made = []
    for each, sources in use_case.derivations:
        made.append(each.values(*[given[place] * unit if unit > 1 else given[place] for place, unit in sources]))
    known = _remembered(columns, use_case) if use_case.histories else ()
    own, derived = len(seen) + len(made), slice(len(seen), len(seen) + len(made))
    numbers = np.empty((own + len(known), len(columns)))
    numbers[:own] = np.array([*seen, *made]).reshape(own, -1)
    if made:  # beyond what float32 holds there is only its largest number, which nothing that is remembered reaches
        numbers[derived] = np.maximum(np.minimum(numbers[derived], LARGEST), -LARGEST)
    if use_case.histories:
        numbers[own:] = known
    numbers[len(seen) :] += 0.0  # no zero is negative
    texts = {name: values for name, values in columns.texts.items() if name not in use_case.carried}
    return Columns(columns.identifiers, numbers, texts, given=columns)


def _remembered(columns: Columns, use_case: UseCase) -> Numbers:
    if columns.remembered is None:
        raise HistoriesNotLookedUp(use_case.name)
    return columns.remembered.values
