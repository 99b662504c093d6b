"""Load histories: what is known of every key goes into the online store, while live records go on arriving there.

Nothing that is there is lost, and doing it again changes nothing. Histories in a service's memory are not reached from
here: the service restores them from the files that this step names.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import orjson

from fraud_detection_api.features.final_states import KeyStates
from fraud_detection_api.features.history_plan import Plan
from fraud_detection_api.pipeline.given import remembering_of, share_of, text_of
from fraud_detection_api.pipeline.states import read_states, states_file
from fraud_detection_api.pipeline.step import Inputs, Parameters, Part, Step
from fraud_detection_api.pipeline.steps.partition import scatter_of
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.layout import EntryLayout
from fraud_detection_api.storage.histories.options import MEMORY, HistoryOptions
from fraud_detection_api.storage.histories.store import HistoryStore, WholeHistories

LOADED = "loaded.json"


def parts(_: Inputs, __: Parameters) -> Sequence[Part]:
    """One, which says what was loaded."""
    return [Part(LOADED)]


def load_histories(inputs: Inputs, parameters: Parameters, _: Part, path: Path) -> int:
    """Fill the store that the settings name."""
    options = _options(parameters)
    loaded = {} if options.url == MEMORY else asyncio.run(_load(inputs["features"], parameters, store_of(options)))
    told = {"store": "memory" if options.url == MEMORY else "redis", "files": str(inputs["features"]), "keys": loaded}
    path.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    return sum(loaded.values())


def whole_histories(use_case: UseCase, plan: Plan, states: KeyStates) -> WholeHistories:
    """The final states of keys as a store is filled with them."""
    name = f"{use_case.name}:{plan.history.name}".encode()
    layout = EntryLayout.of(plan)
    return WholeHistories(layout, name, states.keys, states.entries, states.ends, states.dropped)


async def _load(folder: Path, parameters: Parameters, store: HistoryStore) -> dict[str, int]:
    """How many keys of each history were loaded."""
    remembering = remembering_of(parameters)
    scatter = scatter_of(len(remembering.kernels), parameters)
    loaded = dict.fromkeys((each.name for each in remembering.histories.of), 0)
    await store.start()
    try:
        for kernel in remembering.kernels:
            history = kernel.plan.history
            for partition in range(scatter.partitions):
                for states in read_states(folder / states_file(history, partition), kernel.plan):
                    await store.fill(whole_histories(remembering.use_case, kernel.plan, states))
                    loaded[history.name] += len(states.keys)
    finally:
        await store.stop()
    return loaded


def _options(parameters: Parameters) -> HistoryOptions:
    usual = HistoryOptions()
    return HistoryOptions(
        url=text_of(parameters, "histories", usual.url),
        prefix=text_of(parameters, "histories_prefix", usual.prefix),
        ttl_days=share_of(parameters, "histories_ttl_days", usual.ttl_days),
        timeout_seconds=share_of(parameters, "histories_timeout_seconds", usual.timeout_seconds),
    )


STEP = Step("load_histories", ("features", "train"), ("partitions",), parts, load_histories, is_central=True)
