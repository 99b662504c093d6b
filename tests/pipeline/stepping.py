"""The pipeline's real steps, part by part in this process, and raw orders to begin with."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fraud_detection_api.pipeline.known import STEPS
from fraud_detection_api.pipeline.step import Scalar
from fraud_detection_api.schemas.histories import Histories, History, Remembered, Statistic, Window
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.files import write_table

BY_NAME = {step.name: step for step in STEPS}
DAY, MINUTE = 86_400_000, 60_000
FIRST = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000


class Ride(Record):
    """A record whose id is a text and whose keys may be missing."""

    ride_id: str = Field(examples=["r-1"])
    started_at: datetime = Field(examples=["2024-05-31T12:30:00Z"])
    rider: int | None = Field(default=None, examples=[7])
    phone: str | None = Field(default=None, examples=["+49 30 1"])
    city: str = Field(examples=["Berlin"], max_length=20)
    fare: float = Field(examples=[12.5], ge=0, le=10_000)


RIDES = UseCase(
    name="rides",
    title="Rides",
    record=Ride,
    learning=Supervised(
        label="is_fraud", time_column="started_at", costs=Costs("fare", 5), gate=Gate(group="city", at_least={})
    ),
    identifier="ride_id",
    entity="rider",
    carried=("rider", "phone", "started_at"),
    histories=Histories(
        "started_at",
        of=(
            History(
                "rider",
                ("rider",),
                (
                    Remembered(Statistic.DISTINCT, "phone", Window(records=3)),
                    Remembered(Statistic.MEAN, "fare", Window(records=3)),
                    Remembered(Statistic.COUNT, over=Window(days=1)),
                    Remembered(Statistic.FRAUDS),
                ),
                kept=4,
            ),
            History("phone", ("phone", "city"), (Remembered(Statistic.SINCE), Remembered(Statistic.NEW)), kept=2),
        ),
        received_at="received_at",
        label_known_at="known_at",
    ),
)
OWN: dict[str, Scalar] = {
    "use_case": "rides",
    "use_cases": "tests.pipeline.stepping:RIDES",
    "partitions": 3,
    "gap_days": 2,
    "rounds": 20,
    "threads": 1,
}

Columns = dict[str, NDArray[np.generic]]


def rides(count: int, seed: int, days: int = 60) -> Columns:
    """Rides in the order in which they stand in files; some late, some twice, some at once, some of nobody known."""
    random = Random(seed)
    rows = list[tuple[object, ...]]()
    for number in range(count):
        if rows and random.random() < 0.05:
            rows.append(random.choice(rows))
            continue
        time = FIRST + int(days * DAY * number / count) // (10 * MINUTE) * 10 * MINUTE
        late = random.choice((0, 0, 0, MINUTE, DAY))
        rider = None if random.random() < 0.1 else random.randrange(max(count // 20, 2))
        phone = None if random.random() < 0.2 else f"+{random.randrange(max(count // 30, 2))}"
        is_fraud = random.random() < (0.6 if rider is not None and rider % 10 == 0 else 0.02)
        known = time + (3 * DAY if is_fraud else 4 * DAY)
        fare = random.uniform(1, 300 if is_fraud else 100)  # which tells rides apart
        rows.append(
            (f"r-{number}", time, rider, phone, random.choice(("Bonn", "Köln")), fare, is_fraud, known, time + late)
        )
    names = (*(each.name for each in RIDES.fields), "is_fraud", "known_at", "received_at")
    return {name: _column(name, [row[at] for row in rows]) for at, name in enumerate(names)}


def _column(name: str, values: list[object]) -> NDArray[np.generic]:
    if name in ("started_at", "known_at", "received_at"):
        return np.array(values, "datetime64[ms]")
    if name == "rider":
        return np.array([np.nan if value is None else value for value in values], np.float64)
    found: NDArray[np.generic] = np.array(values, np.float64 if name in ("fare", "is_fraud") else object)
    return found


def raw_folder(folder: Path, columns: Columns, files: int = 3, suffix: str = ".parquet") -> Path:
    """Raw records in some files, as a run starts from them."""
    raw = folder / "make_sample"
    raw.mkdir(parents=True)
    size = len(next(iter(columns.values())))
    for number in range(files):
        rows = slice(size * number // files, size * (number + 1) // files)
        write_table(raw / f"rides-{number}{suffix}", {name: values[rows] for name, values in columns.items()})
    return folder


def do(folder: Path, names: Iterable[str], parameters: Mapping[str, Scalar], *, backwards: bool = False) -> Path:
    """Do these steps: every part of each, into the folder of the step's name."""
    for name in names:
        step = BY_NAME[name]
        inputs = {needed: folder / needed for needed in step.needs}
        (folder / name).mkdir(parents=True)
        parts = list(step.parts(inputs, parameters))
        for part in reversed(parts) if backwards else parts:
            step.do(inputs, parameters, part, folder / name / part.file)
    return folder


def digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """What the files of these steps hold."""
    paths = [path for name in names for path in sorted((folder / name).iterdir())]
    return {f"{path.parent.name}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
