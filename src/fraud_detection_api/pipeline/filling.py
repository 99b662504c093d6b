"""Filling a store with what is known from elsewhere: final states of keys, or records, as they arrived then."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.entry_layout import EntryLayout
from fraud_detection_api.features.final_states import KeyStates, final_states
from fraud_detection_api.features.history_plan import Plan
from fraud_detection_api.features.remembering import Arrivals, Remembering
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.latest_records import LatestByEntity
from fraud_detection_api.storage.histories.latest import LatestRecords
from fraud_detection_api.storage.histories.store import HistoryStore, WholeHistories

KEYS_AT_ONCE = 500


def whole_histories(use_case: UseCase, plan: Plan, states: KeyStates) -> WholeHistories:
    """The final states of keys as a store is filled with them."""
    name = f"{use_case.name}:{plan.history.name}".encode()
    known = states.keys, states.entries, states.ends, states.dropped, states.arrived
    return WholeHistories(EntryLayout.of(plan), name, *known)


async def fill(store: HistoryStore, use_case: UseCase, plan: Plan, states: KeyStates) -> None:
    """Some keys at a time, so that a service which fills its own memory goes on answering."""
    for first in range(0, len(states.keys), KEYS_AT_ONCE):
        some = states.part(first, min(first + KEYS_AT_ONCE, len(states.keys)))
        await store.fill(whole_histories(use_case, plan, some))
        await asyncio.sleep(0)


async def fill_latest(store: HistoryStore, latest: LatestRecords) -> None:
    """Some latest records at a time, for the same reason."""
    for first in range(0, len(latest.records), KEYS_AT_ONCE):
        await store.fill_latest(replace(latest, records=latest.records[first : first + KEYS_AT_ONCE]))
        await asyncio.sleep(0)


async def fill_from_log(
    store: HistoryStore, remembering: Remembering, pages: Iterable[Columns], *, is_listed: bool = False
) -> int:
    """Fill a store with records that were answered, as they arrived then; how many there were.

    Where the use case is listed, the latest record of each customer is one of what is filled in.
    """
    latest, count = LatestByEntity(remembering) if is_listed else None, 0
    for columns in pages:
        if columns.remembered is None:
            continue
        keyed = remembering.at_keys(columns, Arrivals(columns.remembered.received))
        for kernel, each in zip(remembering.kernels, keyed, strict=True):
            await fill(store, remembering.use_case, kernel.plan, final_states(kernel.plan, each))
        if latest:
            await fill_latest(store, latest(columns, columns.remembered.received.max(axis=0)))
        count += len(columns)
    return count
