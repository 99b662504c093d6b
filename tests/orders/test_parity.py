"""Random streams of orders have the same features, to the bit, through the pipeline and through the live service."""

from pathlib import Path

from fraud_detection_api.features.history_numpy import COLD, REPEATED, TRUNCATED
from tests.orders.parity import CHUNKS, Parity
from tests.orders.shop import OrderShop
from tests.orders.streams import order_streams
from tests.storage.histories.private_redis import private_redis


def test_pipeline_and_live_service_give_the_same_bytes_although_redis_is_emptied_once(tmp_path: Path) -> None:
    streams = order_streams(30, 120, CHUNKS, seed=3)
    with private_redis() as redis:
        found = Parity(OrderShop(tmp_path, redis.url), redis, streams, streams_a_request=5).run()
    assert found.live > 2_000
    assert found.racing > 200
    assert found.differing == {}
    assert (found.restored_keys > 1_000, found.restored_differently) == (True, 0)
    assert found.parity.startswith(f"{found.live:,} records compared, 0 differences; 0 degraded")
    assert {0, COLD, TRUNCATED, REPEATED, REPEATED | TRUNCATED} <= found.flags.keys()
