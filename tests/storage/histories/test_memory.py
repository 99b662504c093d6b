"""Histories in memory are bounded: beyond a number of keys, what was not touched for the longest time is forgotten."""

import asyncio

from loguru import logger

from fraud_detection_api.storage.histories.memory import MemoryStore
from tests.storage.histories.records import arrivals, entry

YEAR = 365 * 86_400_000


def test_the_longest_untouched_keys_make_room_and_the_log_says_so_once() -> None:
    said = list[str]()
    sink = logger.add(lambda message: said.append(message.record["message"]), level="WARNING")
    try:
        store = MemoryStore(YEAR, most_keys=3)
        for key in (1, 2, 3, 1, 4, 5):
            asyncio.run(store.remember([arrivals((key, entry(key + len(store.packed()))))]))
    finally:
        logger.remove(sink)
    assert [int.from_bytes(name[-8:], "big") for name in store.packed()] == [1, 4, 5]
    assert len(said) == 1
    assert "set FRAUD_HISTORIES to a Redis server" in said[0]
