"""The stores of histories that there are, by the URLs that stand for them."""

from importlib.util import find_spec

from fraud_detection_api.history_errors import HistoriesUnusable
from fraud_detection_api.storage.histories.memory import MemoryStore
from fraud_detection_api.storage.histories.options import MEMORY, HistoryOptions
from fraud_detection_api.storage.histories.store import HistoryStore


def store_of(options: HistoryOptions) -> HistoryStore:
    """The store that the options name; nothing is connected before its start."""
    if options.url == MEMORY:
        return MemoryStore(options.ttl_milliseconds)
    if find_spec("hiredis") is None:
        raise HistoriesUnusable("Histories in Redis need the extra redis: pip install 'fraud-detection-api[redis]'")
    from fraud_detection_api.storage.histories.redis_store import RedisStore

    store = RedisStore(options)
    if options.away == "refuse":
        return store
    from fraud_detection_api.storage.histories.spooling import SpoolingStore

    return SpoolingStore(store, options.spool, options.spool_max_bytes)
