"""Orders as the contract has them, through the commands: features by name, a gate that fails, no pickle anywhere."""

import numpy as np
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.pipeline.loaded import loaded_histories
from fraud_detection_api.use_cases.orders import ORDERS
from tests.orders.live import predicted
from tests.orders.shop import OrderShop
from tests.orders.streams import order_streams
from tests.running_service import eventually
from tests.storage.histories.private_redis import private_redis

AMOUNTS = ("mean", "deviation", "smallest", "largest", "sum")
VALUES = ("distinct", "same", "known")
TWENTY = {
    "order_amount",
    *(f"customer_{each}_{of}_last_10" for of in ("email", "ip_addr") for each in VALUES),
    *(f"email_{each}_customer_id_last_10" for each in VALUES),
    *(f"{key}_{each}_order_amount_last_10" for key in ("customer", "email") for each in AMOUNTS),
}
UNREACHABLE = ("--least-average-precision", "1", "--gap-days", "0")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[OrderShop, str, dict[bytes, bytes]]:
    """A run whose model does not pass the gate, what it said, and what lies in Redis after an order more."""
    folder = tmp_path_factory.mktemp("orders")
    with private_redis() as redis:
        shop = OrderShop(folder, redis.url)
        streams = order_streams(12, 150, 1, seed=4)
        raw = streams.write(folder / "raw", [range(1)])
        said = shop.pipeline(raw, *UNREACHABLE)
        shop.fraud("models", "promote", ORDERS.name, "1", "--force", "to see what a service leaves in Redis")
        with shop.services() as (service,), service.client() as client:
            predicted(client, streams.sent(np.array([0]))[0] | {"order_id": 10**9})
            eventually(lambda: shop.answered() == 1)
        return shop, said, redis.packed()


def test_the_twenty_features_of_the_contract_are_among_those_of_the_model() -> None:
    assert len(TWENTY) == 20
    assert set(ORDERS.feature_names) >= TWENTY


def test_a_failed_gate_is_reported_and_ends_no_run(finished: tuple[OrderShop, str, dict[bytes, bytes]]) -> None:
    shop, said, _ = finished
    assert "The gate FAILED: 1-" in said
    assert "FAILED  average precision" in said
    assert "finished" in shop.fraud("pipeline", "list")
    versions = Registry(shop.folder / "models").versions(ORDERS.name)
    assert len(versions) == 2, "the one of the run, and the one that was promoted with a reason"
    assert loaded_histories(shop.folder / "pipeline", ORDERS) is not None


def test_nothing_that_a_run_or_a_service_leaves_behind_is_a_pickle(
    finished: tuple[OrderShop, str, dict[bytes, bytes]],
) -> None:
    shop, _, kept = finished
    contents = {str(path): path.read_bytes() for path in shop.folder.rglob("*") if path.is_file()}
    contents |= {key.decode(errors="replace"): value for key, value in kept.items()}
    assert len(kept) > 100
    assert [name for name, content in contents.items() if is_pickle(content)] == []


def test_keys_in_redis_have_a_prefix_of_ours_and_no_id(finished: tuple[OrderShop, str, dict[bytes, bytes]]) -> None:
    _, _, kept = finished
    names = {key[:-8] for key in kept}
    assert names == {b"fraud:orders:customer:", b"fraud:orders:email:", b"fraud:orders:address:"}


def is_pickle(content: bytes) -> bool:
    """Whether it begins and ends as pickles of protocol 2 and later do."""
    return content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05" and content[-1:] == b"."
