"""Recalling: what the keys of records knew before them, looked up in the online store, which remembers them at once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise

import numpy as np

from fraud_detection_api.features.columns import DEGRADED, Columns, Remembered
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.history_plan import MISSING, RECEIVED
from fraud_detection_api.features.remembering import AtKeys, Remembering
from fraud_detection_api.schemas.reasons import Question
from fraud_detection_api.services.latest_records import LatestByEntity
from fraud_detection_api.services.scoring import Run
from fraud_detection_api.storage.histories.latest import LatestRecords
from fraud_detection_api.storage.histories.layout import EntryLayout
from fraud_detection_api.storage.histories.store import Arrivals, HistoryStore, Known

NO_KEY = int(MISSING)
AT_ONCE = 500  # records whose histories are held at once; requests of others come in between

Asked = tuple[list[AtKeys], LatestRecords | None]


class Recalling:
    """Looks up the histories of records in the order of their events, and has the records remembered."""

    def __init__(self, remembering: Remembering, store: HistoryStore, latest: LatestByEntity | None = None) -> None:
        self._remembering = remembering
        self._store = store
        self._latest = latest  # where the latest record of each customer is kept, too
        use_case = remembering.use_case.name
        self._names = [f"{use_case}:{each.name}".encode() for each in remembering.histories.of]
        ends = [0, *accumulate(len(each.plan.statistics) for each in remembering.kernels)]
        self._rows = [slice(*each) for each in pairwise(ends)]
        self._layouts = [EntryLayout.of(each.plan) for each in remembering.kernels]

    async def __call__(self, columns: Columns, question: Question, run: Run) -> Columns:
        """The same records with what was known of their keys just before each."""
        if len(columns) == 1:
            return _with(columns, await self._some(partial(self._asked, columns, None, question), question, run))
        order = await run(partial(self._remembering.in_order, columns))
        found = []
        for start in range(0, max(len(order), 1), AT_ONCE):
            some = partial(self._asked, columns, order[start : start + AT_ONCE], question)
            found.append(await self._some(some, question, run))
        return await run(partial(_put_back, columns, found, order))

    async def _some(self, asked: Callable[[], Asked], question: Question, run: Run) -> Remembered:
        keyed, latest = await run(asked)
        known = await self._store.remember(self._arrivals(keyed), dry_run=question.dry_run, latest=latest)
        return await run(partial(self._remembered, keyed, known))

    def _asked(self, columns: Columns, rows: Whole | None, question: Question) -> Asked:
        """What the store is asked of these records, or of all."""
        some = columns if rows is None else columns.take(rows)
        return self._remembering.at_keys(some), self._latest(some) if self._latest and not question.dry_run else None

    def _arrivals(self, keyed: Sequence[AtKeys]) -> list[Arrivals]:
        """What comes to each history: the records that have a key there."""
        every = zip(self._layouts, self._names, keyed, strict=True)
        return [_with_keys(Arrivals(layout, name, each.keys, each.entries)) for layout, name, each in every]

    def _remembered(self, keyed: Sequence[AtKeys], known: Sequence[Known]) -> Remembered:
        count = len(keyed[0].keys)
        values, flags = np.empty((self._rows[-1].stop, count)), np.empty((len(known), count), np.uint8)
        received = np.empty((len(known), count), np.int64)
        for number, each in enumerate(map(_of_all, keyed, known)):
            each.put_statistics(self._remembering.kernels[number], values[self._rows[number]], flags[number])
            received[number] = each.received
        if any(each.is_degraded for each in known):
            flags |= np.uint8(DEGRADED)
        return Remembered(values, flags, received)


def _with(columns: Columns, remembered: Remembered) -> Columns:
    return Columns(columns.identifiers, columns.numbers, columns.texts, columns.given, remembered)


def _with_keys(arrivals: Arrivals) -> Arrivals:
    if NO_KEY not in arrivals.keys.tolist():
        return arrivals
    with_key = arrivals.keys != MISSING
    return replace(arrivals, keys=arrivals.keys[with_key], entries=arrivals.entries[with_key])


def _of_all(keyed: AtKeys, known: Known) -> Known:
    """What was known of all records, which is nothing where they have no key."""
    if len(known.values) == len(keyed.keys):
        return known
    values, received = list[bytes | None]([None] * len(keyed.keys)), keyed.entries[:, RECEIVED].copy()
    with_key = np.flatnonzero(keyed.keys != MISSING)
    for row, value in zip(with_key.tolist(), known.values, strict=True):
        values[row] = value
    received[with_key] = known.received
    return replace(
        known,
        arrivals=replace(known.arrivals, keys=keyed.keys, entries=keyed.entries),
        values=values,
        received=received,
    )


def _put_back(columns: Columns, parts: Sequence[Remembered], order: Whole) -> Columns:
    """Records that were looked up in the order of their events, in the order in which they were sent."""
    place = np.argsort(order)
    values, flags, received = (
        np.concatenate(each, axis=1)[:, place]
        for each in zip(*((each.values, each.flags, each.received) for each in parts), strict=True)
    )
    return _with(columns, Remembered(values, flags, received))
