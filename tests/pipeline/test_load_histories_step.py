"""Histories in the online store are those that it would hold had it seen every record arrive."""

import asyncio
from pathlib import Path

import numpy as np
import orjson
import pytest

from fraud_detection_api.features.entry_layout import EntryLayout
from fraud_detection_api.features.history_plan import LABEL, MISSING, RECEIVED
from fraud_detection_api.features.remembering import Remembering, in_turn
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.history_errors import HistoriesForeign
from fraud_detection_api.pipeline.filling import whole_histories
from fraud_detection_api.pipeline.loaded import loaded_histories
from fraud_detection_api.pipeline.memory_filling import MemoryFilling
from fraud_detection_api.pipeline.restoring import fill_from_files
from fraud_detection_api.pipeline.states import read_states, states_file
from fraud_detection_api.pipeline.steps.load_histories import LOADED, STEP
from fraud_detection_api.storage.histories.memory import MemoryStore
from fraud_detection_api.storage.histories.packed import unpacked
from fraud_detection_api.training.tables.remembered import arrivals_in
from tests.pipeline.stepping import OWN, RIDES, Columns, do, raw_folder, rides
from tests.storage.histories.private_redis import private_redis
from tests.storage.histories.records import arriving

FOREVER = 10**15
RAW = rides(1500, seed=9)
Held = dict[bytes, tuple[list[list[int]], int]]


def after_every_arrival(columns: Columns) -> MemoryStore:
    """A store that was told of each record when it arrived."""
    now = [0]
    store, remembering = MemoryStore(FOREVER, lambda: now[0]), Remembering(RIDES)
    checked, _ = columns_of_table(columns, RIDES)
    keyed = remembering.at_keys(checked, arrivals_in(columns, remembering.times(checked), RIDES))
    for kernel, each in zip(remembering.kernels, keyed, strict=True):
        layout, name = EntryLayout.of(kernel.plan), f"rides:{kernel.plan.history.name}".encode()
        for row in in_turn(each.entries).tolist():
            if each.keys[row] != MISSING:
                now[0] = int(each.entries[row, RECEIVED])
                unlabelled = each.entries[row : row + 1].copy()
                unlabelled[:, LABEL] = MISSING
                asyncio.run(store.remember([arriving(layout, name, each.keys[row : row + 1], unlabelled)]))
    return store


def held(store: MemoryStore) -> Held:
    """Of each key its entries and what was dropped; a store says itself when records arrived, and knows no labels."""
    remembering, found = Remembering(RIDES), Held()
    layouts = {f"rides:{each.plan.history.name}".encode(): EntryLayout.of(each.plan) for each in remembering.kernels}
    for key, value in store.packed().items():
        name = key[: -len(b":12345678")]
        known = unpacked(layouts[name], name, [value])
        compared = np.delete(known.entries, [RECEIVED, LABEL], axis=1)
        found[key] = compared.tolist(), int(known.dropped[0])
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = raw_folder(tmp_path_factory.mktemp("rides"), RAW)
    (folder / "train").mkdir()
    return do(folder, ("partition", "features"), OWN)


def filled_from(folder: Path, store: MemoryStore) -> MemoryStore:
    for kernel in Remembering(RIDES).kernels:
        for partition in range(3):
            path = folder / "features" / states_file(kernel.plan.history, partition)
            for states in read_states(path, kernel.plan):
                asyncio.run(store.fill(whole_histories(RIDES, kernel.plan, states)))
    return store


def test_files_hold_what_a_store_would_that_saw_everything_arrive(finished: Path) -> None:
    expected = held(after_every_arrival(RAW))
    assert len(expected) > 100
    filled = filled_from(finished, MemoryStore(FOREVER, lambda: 0))
    assert held(filled) == expected
    before = filled.packed()
    assert filled_from(finished, filled).packed() == before


def test_redis_is_filled_and_a_second_time_changes_nothing(finished: Path, tmp_path: Path) -> None:
    with private_redis() as server:
        parameters = OWN | {"histories": server.url}
        inputs = {name: finished / name for name in STEP.needs}
        counts = [STEP.do(inputs, parameters, STEP.parts(inputs, parameters)[0], tmp_path / LOADED) for _ in range(2)]
        assert server.ask("DBSIZE") == counts[0] == counts[1]
        loaded = orjson.loads((tmp_path / LOADED).read_bytes())
        assert loaded["store"] == "redis"
        assert sum(loaded["keys"].values()) == counts[0]
        assert "127.0.0.1" not in (tmp_path / LOADED).read_text()


def test_a_service_with_its_own_memory_is_told_where_the_files_are(finished: Path, tmp_path: Path) -> None:
    inputs = {name: finished / name for name in STEP.needs}
    assert STEP.do(inputs, OWN, STEP.parts(inputs, OWN)[0], tmp_path / LOADED) == 0
    assert orjson.loads((tmp_path / LOADED).read_bytes())["files"] == str(finished / "features")


def test_histories_of_another_secret_are_refused_and_not_taken_for_those_of_strangers(
    finished: Path, tmp_path: Path
) -> None:
    inputs, parameters = {name: finished / name for name in STEP.needs}, OWN | {"data_folder": str(tmp_path)}
    STEP.do(inputs, parameters, STEP.parts(inputs, parameters)[0], tmp_path / LOADED)
    loaded = loaded_histories(tmp_path, RIDES)
    assert loaded is not None
    for remembering, keys in ((Remembering(RIDES), 100), (Remembering(RIDES, b"another"), 0)):
        store = MemoryStore(FOREVER, lambda: 0)
        filling = MemoryFilling(store, [remembering], tmp_path, lambda _: iter(()))
        asyncio.run(filling.start(lambda: True))
        assert (len(store.packed()) > keys) == bool(keys)
    with pytest.raises(HistoriesForeign, match="run the pipeline again"):
        asyncio.run(fill_from_files(MemoryStore(FOREVER), remembering, loaded))
