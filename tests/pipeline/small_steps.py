"""A small pipeline of four real steps, for tests of how steps are run: Parquet in, Parquet out, a verdict at the end.

What a part does is written to a ledger where the environment names one, so that a test can count what was done again;
and a part waits as long as there is the file that the environment names.
"""

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.pipeline.step import Inputs, Parameters, Part, Step

STEPS_HERE = "tests.pipeline.small_steps:STEPS"
LEDGER, HOLD, SLOW = "SMALL_STEPS_LEDGER", "SMALL_STEPS_HOLD", "SMALL_STEPS_SECONDS"
DEADLY = "SMALL_STEPS_DEADLY"  # the step whose parts kill their process
REFUSED_SEED, BROKEN_SEED = 13, 17


def whole(parameters: Parameters, name: str) -> int:
    """A parameter that is a whole number."""
    return int(str(parameters[name]))


def _numbered(name: str, count: int) -> Sequence[Part]:
    return [Part(f"{name}-{number:03}.parquet", number) for number in range(count)]


def _work(step: str, part: Part) -> None:
    """Be at work for a while, as long as a test wants it."""
    if os.environ.get(DEADLY) == step:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(os.environ.get(SLOW, "0")))
    while (hold := os.environ.get(HOLD)) and Path(hold).exists():
        time.sleep(0.01)
    if ledger := os.environ.get(LEDGER):
        with Path(ledger).open("a") as file:  # one short line is appended whole
            file.write(f"{step}/{part.file}\n")


def _make(_: Inputs, parameters: Parameters, part: Part, path: Path) -> int:
    rows = whole(parameters, "orders_per_file")
    chance = np.random.default_rng([whole(parameters, "seed"), part.number])
    customers = chance.integers(0, whole(parameters, "customers"), rows)
    pq.write_table(pa.table({"customer": customers, "cents": chance.integers(0, 100_000, rows)}), path)
    _work("make", part)
    return rows


def _scatter(inputs: Inputs, parameters: Parameters, part: Part, path: Path) -> int:
    if whole(parameters, "seed") == REFUSED_SEED:
        raise DataRefused(f"Orders of seed {REFUSED_SEED} are refused.")
    if whole(parameters, "seed") == BROKEN_SEED:
        raise ValueError("customer 4711 is broken")
    table = pa.concat_tables(pq.read_table(each) for each in sorted(inputs["make"].glob("*.parquet")))
    count, customers = whole(parameters, "partitions"), table["customer"]
    rest = pc.subtract(customers, pc.multiply(pc.divide(customers, count), count))
    mine = table.filter(pc.equal(rest, part.number))
    pq.write_table(mine, path)
    _work("scatter", part)
    return len(mine)


def _sum(inputs: Inputs, _: Parameters, part: Part, path: Path) -> int:
    table = pq.read_table(inputs["scatter"] / part.file.replace("sum", "scatter"))
    sums = table.group_by("customer").aggregate([("cents", "sum")]).sort_by("customer")
    pq.write_table(sums, path)
    _work("sum", part)
    return len(sums)


def _judge(inputs: Inputs, parameters: Parameters, part: Part, path: Path) -> int:
    total = sum(pc.sum(pq.read_table(each)["cents_sum"]).as_py() for each in sorted(inputs["sum"].glob("*.parquet")))
    path.write_text(json.dumps({"passed": total > 0, "total": total, "models": Path(str(parameters["models"])).name}))
    _work("judge", part)
    return 1


STEPS = (
    Step(
        "make",
        (),
        ("seed", "files", "orders_per_file", "customers"),
        lambda _, parameters: _numbered("make", whole(parameters, "files")),
        _make,
    ),
    Step(
        "scatter",
        ("make",),
        ("seed", "partitions"),
        lambda _, parameters: _numbered("scatter", whole(parameters, "partitions")),
        _scatter,
    ),
    Step(
        "sum",
        ("scatter",),
        ("partitions",),
        lambda _, parameters: _numbered("sum", whole(parameters, "partitions")),
        _sum,
    ),
    Step("judge", ("sum",), (), lambda _, __: [Part("verdict.json")], _judge, is_central=True),
)
