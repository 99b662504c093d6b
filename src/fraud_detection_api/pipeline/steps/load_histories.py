"""Load histories: what is known of every key goes into the online store, while live records go on arriving there.

Nothing that is there is lost, and doing it again changes nothing. Histories in a service's memory are not reached from
here: the service restores them from the files that this step names in the data folder.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.pipeline.given import RECORDS, is_set, remembering_of, share_of, text_of
from fraud_detection_api.pipeline.loaded import LoadedHistories, note_loaded
from fraud_detection_api.pipeline.restoring import fill_from_files
from fraud_detection_api.pipeline.step import Inputs, Parameters, Part, Step
from fraud_detection_api.pipeline.steps.partition import scatter_of
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.options import MEMORY, HistoryOptions
from fraud_detection_api.storage.histories.store import HistoryStore
from fraud_detection_api.training.fit_options import between_commas

LOADED = "loaded.json"


def parts(_: Inputs, __: Parameters) -> Sequence[Part]:
    """One, which says what was loaded."""
    return [Part(LOADED)]


def load_histories(inputs: Inputs, parameters: Parameters, _: Part, path: Path) -> int:
    """Fill the store that the settings name, and say in the data folder where the histories are."""
    options, remembering = _options(parameters), remembering_of(parameters)
    partitions = scatter_of(len(remembering.kernels), parameters).partitions
    features, raw = (str(inputs[name].absolute()) for name in ("features", "make_sample"))
    skips, hashes = is_set(parameters, "skip_bad_rows"), remembering.hashes_mark
    loaded = LoadedHistories(features, raw, partitions, skips, time.time(), hashes)
    is_listed = remembering.use_case.name in between_commas(text_of(parameters, "find", ""))
    keys = {}
    if options.url != MEMORY:
        keys = asyncio.run(_load(store_of(options), remembering, loaded, is_listed=is_listed))
    loaded = replace(loaded, loaded_at=time.time())  # from now on live records see all of them
    folder = text_of(parameters, "data_folder", "")
    if folder:
        note_loaded(Path(folder), remembering.use_case, loaded)
    told = {"store": "memory" if options.url == MEMORY else "redis", "files": loaded.features, "keys": keys}
    path.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    return sum(keys.values())


async def _load(
    store: HistoryStore, remembering: Remembering, loaded: LoadedHistories, *, is_listed: bool
) -> dict[str, int]:
    await store.start()
    try:
        return await fill_from_files(store, remembering, loaded, is_listed=is_listed)
    finally:
        await store.stop()


def _options(parameters: Parameters) -> HistoryOptions:
    usual = HistoryOptions()
    return HistoryOptions(
        url=text_of(parameters, "histories", usual.url),
        prefix=text_of(parameters, "histories_prefix", usual.prefix),
        ttl_days=share_of(parameters, "histories_ttl_days", usual.ttl_days),
        timeout_seconds=share_of(parameters, "histories_timeout_seconds", usual.timeout_seconds),
    )


STEP = Step(
    "load_histories",
    ("make_sample", "features", "train"),
    (*RECORDS, "partitions"),
    parts,
    load_histories,
    is_central=True,
)
