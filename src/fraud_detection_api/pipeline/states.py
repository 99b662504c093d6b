"""Final states of keys in files, a bounded number of keys at once, as an online store is filled with them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fraud_detection_api.features.final_states import KeyStates
from fraud_detection_api.features.history_plan import Plan
from fraud_detection_api.schemas.histories import History
from fraud_detection_api.storage.blocks import block_writer, blocks_in

KEYS_AT_ONCE = 4_096
_KEY, _DROPPED = "key", "dropped"
_WHOLE = np.dtype(np.int64)


def states_file(history: History, partition: int) -> str:
    """The name of a file."""
    return f"{history.name}-{partition:04}.states.parquet"


def write_states(path: Path, plan: Plan, states: KeyStates) -> None:
    """Write a file: an entry a row, beside it its key, and what was dropped of that."""
    names = _numbers(plan)
    with block_writer(path, dict.fromkeys((_KEY, _DROPPED, *names), _WHOLE)) as writer:
        for first in range(0, len(states.keys), KEYS_AT_ONCE):
            some = states.part(first, min(first + KEYS_AT_ONCE, len(states.keys)))
            counts = np.diff(some.ends, prepend=0)
            columns = {_KEY: np.repeat(some.keys, counts), _DROPPED: np.repeat(some.dropped, counts)}
            writer.write(columns | {name: some.entries[:, at] for at, name in enumerate(names)})


def read_states(path: Path, plan: Plan) -> Iterator[KeyStates]:
    """The states in a file, some keys at once."""
    names = _numbers(plan)
    with blocks_in(path) as blocks:
        for number in range(len(blocks)):
            found = blocks.read(number)
            keys, dropped = found[_KEY].astype(np.int64), found[_DROPPED].astype(np.int64)
            ends = np.append(np.flatnonzero(np.diff(keys)) + 1, len(keys))
            yield KeyStates(
                keys[ends - 1],
                np.column_stack([found[name] for name in names]).astype(np.int64),
                ends.astype(np.int64),
                dropped[ends - 1],
            )


def _numbers(plan: Plan) -> list[str]:
    return [f"n{at}" for at in range(plan.width)]
