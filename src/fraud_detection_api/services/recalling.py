"""Recalling: what the keys of records knew before them, looked up in the online store, which remembers them at once."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from fraud_detection_api.features.columns import DEGRADED, Columns, Remembered
from fraud_detection_api.features.entry_layout import MOST_RECEIVED, EntryLayout, time_of
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.packed_records import PackedRecords
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.schemas.reasons import Question
from fraud_detection_api.services.latest_records import LatestByEntity
from fraud_detection_api.services.scoring import Run
from fraud_detection_api.storage.histories.latest import LatestRecords
from fraud_detection_api.storage.histories.store import Arrivals, HistoryStore, Known

AT_ONCE = 500  # records whose histories are held at once; requests of others come in between

Asked = tuple[list[PackedRecords], LatestRecords | None]


class Recalling:
    """Looks up the histories of records in the order of their events, and has the records remembered."""

    def __init__(self, remembering: Remembering, store: HistoryStore, latest: LatestByEntity | None = None) -> None:
        self._remembering = remembering
        self._store = store
        self._latest = latest  # where the latest record of each customer is kept, too
        use_case = remembering.use_case.name
        names = (f"{use_case}:{each.name}".encode() for each in remembering.histories.of)
        self._histories = [*zip([each.layout for each in remembering.kernels], names, strict=True)]

    async def __call__(self, columns: Columns, question: Question, run: Run) -> Columns:
        """The same records with what was known of their keys just before each."""
        if len(columns) == 1:  # nothing is to be gained by another thread
            asked = self._asked(columns, question)
            return _with(columns, self._remembered(asked, await self._known(asked, question)))
        order = await run(partial(self._remembering.in_order, columns))
        found = []
        for start in range(0, max(len(order), 1), AT_ONCE):
            some = columns.take(order[start : start + AT_ONCE])
            asked = await run(partial(self._asked, some, question))
            found.append(await run(partial(self._remembered, asked, await self._known(asked, question))))
        return await run(partial(_put_back, columns, found, order))

    def _asked(self, columns: Columns, question: Question) -> Asked:
        """What the store is asked of these records."""
        latest = self._latest(columns) if self._latest and not question.dry_run else None
        return self._remembering.packed(columns), latest

    def _known(self, asked: Asked, question: Question) -> Awaitable[list[Known]]:
        records, latest = asked
        own = zip(self._histories, records, strict=True)
        arrivals = [_arrivals(layout, name, each) for (layout, name), each in own]
        return self._store.remember(arrivals, dry_run=question.dry_run, latest=latest)

    def _remembered(self, asked: Asked, known: Sequence[Known]) -> Remembered:
        records, _ = asked
        found = self._remembering.recalled(records, [each.answers for each in known]) or self._by_numpy(records, known)
        if known[0].is_degraded:  # all are, then
            return replace(found, flags=found.flags | np.uint8(DEGRADED))
        return found

    def _by_numpy(self, records: Sequence[PackedRecords], known: Sequence[Known]) -> Remembered:
        whole = [*map(_of_all, records, known)]
        found = [each.statistics(kernel) for each, kernel in zip(whole, self._remembering.kernels, strict=True)]
        values, flags = np.concatenate([values.T for values, _ in found]), np.array([flags for _, flags in found])
        return Remembered(values, flags, np.array([each.received for each in whole], np.int64))


def _with(columns: Columns, remembered: Remembered) -> Columns:
    return Columns(columns.identifiers, columns.numbers, columns.texts, columns.given, remembered)


def _arrivals(layout: EntryLayout, name: bytes, records: PackedRecords) -> Arrivals:
    """What comes to a history: the records that have a key there."""
    keys = [key for key in records.keys if key is not None]
    if len(keys) == len(records.keys):
        return Arrivals(layout, name, keys, records.entries)
    own = zip(records.keys, records.entries, strict=True)
    return Arrivals(layout, name, keys, [entry for key, entry in own if key is not None])


def _of_all(records: PackedRecords, known: Known) -> Known:
    """What was known of all records, which is nothing where they have no key."""
    if len(known.answers) == len(records.keys):
        return known
    answers, own = iter(known.answers), zip(records.keys, records.entries, strict=True)
    every = [(None, min(time_of(entry), MOST_RECEIVED)) if key is None else next(answers) for key, entry in own]
    return known._replace(arrivals=known.arrivals._replace(entries=records.entries), answers=every)


def _put_back(columns: Columns, parts: Sequence[Remembered], order: Whole) -> Columns:
    """Records that were looked up in the order of their events, in the order in which they were sent."""
    place = np.argsort(order)
    values, flags, received = (
        np.concatenate(each, axis=1)[:, place]
        for each in zip(*((each.values, each.flags, each.received) for each in parts), strict=True)
    )
    return _with(columns, Remembered(values, flags, received))
