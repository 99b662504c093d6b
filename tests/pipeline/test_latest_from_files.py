"""The latest record of each customer comes from the files of a run where the settings ask for it, and only there."""

import asyncio
from pathlib import Path

import numpy as np
import orjson
import pytest

from fraud_detection_api.pipeline.steps.load_histories import LOADED, STEP
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.latest import Found, LatestRecord, LatestRecords, Wanted
from fraud_detection_api.storage.histories.options import HistoryOptions
from tests.pipeline.stepping import OWN, do, raw_folder, rides
from tests.storage.histories.private_redis import PrivateRedis, private_redis
from tests.storage.histories.records import started

RAW = rides(3000, seed=11)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose histories can be loaded."""
    folder = raw_folder(tmp_path_factory.mktemp("rides"), RAW)
    (folder / "train").mkdir()
    return do(folder, ("partition", "features"), OWN)


def load(finished: Path, folder: Path, server: PrivateRedis, find: str) -> None:
    """Do the step."""
    parameters = OWN | {"histories": server.url, "find": find}
    inputs = {name: finished / name for name in STEP.needs}
    STEP.do(inputs, parameters, STEP.parts(inputs, parameters)[0], folder / LOADED)


def listed(server: PrivateRedis, new: LatestRecord | None = None) -> list[Found]:
    """What a service lists, after a new record if there is one."""

    async def run() -> list[Found]:
        async with started(store_of(HistoryOptions(server.url))) as store:
            if new:
                await store.remember([], latest=LatestRecords(b"rides", [new]))
            return [*(await store.latest_page(b"rides", Wanted(most=1000))).found]

    return asyncio.run(run())


def latest_by_hand() -> dict[str, tuple[str, int]]:
    """Each rider's latest ride, and when it was received; those of one time are left out."""
    times, riders = RAW["started_at"].astype(np.int64), RAW["rider"].astype(np.float64)
    received = RAW["received_at"].astype(np.int64)
    found = dict[str, tuple[str, int]]()
    for rider in np.unique(riders[~np.isnan(riders)]).tolist():
        (own,) = np.nonzero(riders == rider)
        last = own[times[own] == times[own].max()]
        if len({RAW["ride_id"][row] for row in last}) == 1:
            found[str(int(rider))] = str(RAW["ride_id"][last[0]]), int(received[last[0]])
    return found


def test_a_run_lists_each_customer_with_the_latest_record_of_its_files(finished: Path, tmp_path: Path) -> None:
    with private_redis() as server:
        load(finished, tmp_path, server, "orders,rides")
        first = listed(server)
        said = {each.key.decode(): (orjson.loads(each.record)["ride_id"], each.received) for each in first}
        expected = latest_by_hand()
        assert len(expected) > 100
        assert {key: said[key] for key in expected} == expected
        riders = RAW["rider"].astype(np.float64)
        assert set(said) == {str(int(each)) for each in np.unique(riders[~np.isnan(riders)])}
        load(finished, tmp_path, server, "rides")
        assert listed(server) == first
        live = LatestRecord(b"0", 2**42, 1, b'"live"')
        kept = listed(server, live)
        load(finished, tmp_path, server, "rides")
        assert listed(server) == kept
        assert kept[0].record == b'"live"'


def test_without_the_setting_a_run_lists_nobody(finished: Path, tmp_path: Path) -> None:
    with private_redis() as server:
        load(finished, tmp_path, server, "")
        assert listed(server) == []
        assert server.ask("KEYS", "*latest*") == []
