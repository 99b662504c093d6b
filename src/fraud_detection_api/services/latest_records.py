"""Latest records: which of many is the latest of each customer, and what is kept of it."""

from collections.abc import Sequence

import numpy as np
import orjson

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.remembering import Remembering, ids_of
from fraud_detection_api.history_errors import FindUnusable
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.sent_values import SentValues
from fraud_detection_api.storage.histories.latest import LatestRecord, LatestRecords

Key = str | int | None


class LatestByEntity:
    """Tells the latest record of each customer, or of whatever else a use case names as its entity."""

    def __init__(self, remembering: Remembering) -> None:
        use_case = remembering.use_case
        self._remembering = remembering
        self._use_case = use_case
        self._entity = entity_of(use_case)
        self._place = next((at for at, each in enumerate(use_case.inputs) if each.name == self._entity), -1)
        self._sent = SentValues(use_case.inputs)

    def __call__(self, columns: Columns, received: Whole | None = None) -> LatestRecords:
        """The latest of these records, one of each key, and when they were received where that is not now."""
        keys = self._keys(columns)
        order = range(len(keys)) if len(keys) == 1 else self._remembering.in_order(columns).tolist()
        rows = [*{keys[row]: row for row in order if keys[row] is not None}.values()]
        latest = columns if len(columns) == len(rows) == 1 else columns.take(np.array(rows, np.intp))
        times, ids = self._remembering.times(latest).tolist(), ids_of(latest.identifiers).tolist()
        arrived = [None] * len(rows) if received is None else received[rows].tolist()
        records = zip((str(keys[row]).encode() for row in rows), times, ids, self._json(latest), arrived, strict=True)
        return LatestRecords(self._use_case.name.encode(), [LatestRecord(*each) for each in records])

    def _keys(self, columns: Columns) -> Sequence[Key]:
        """Whose each record is."""
        if self._entity == self._use_case.identifier:
            return _identifiers(columns)
        if self._entity in columns.texts:
            return columns.texts[self._entity]
        numbers = columns.numbers[self._place].tolist()
        return [None if number != number else int(number) for number in numbers]  # noqa: PLR0124  # NaN: nothing

    def _json(self, columns: Columns) -> list[bytes]:
        """Records as they were sent."""
        name, rows = self._use_case.identifier, zip(_identifiers(columns), self._sent.by_name(columns), strict=True)
        return [orjson.dumps(({} if name is None else {name: key}) | row) for key, row in rows]


def _identifiers(columns: Columns) -> Sequence[Key]:
    return columns.identifiers if isinstance(columns.identifiers, list) else columns.identifiers.tolist()


def entity_of(use_case: UseCase) -> str:
    """The field that says whose a record is; refused where there is none that could be listed."""
    entity = use_case.by_name.get(use_case.entity or "")
    if use_case.histories is None or entity is None or entity.kind not in (Kind.INTEGER, Kind.CATEGORY):
        raise FindUnusable(use_case.name)
    return entity.name
