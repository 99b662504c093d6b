"""Features from files: what the whole table would say, to the bit, however the work is divided."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.features.columns import Remembered
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.pipeline.raw_records import raw_files
from fraud_detection_api.pipeline.remembered_rows import remembered_rows
from fraud_detection_api.pipeline.scattered import Scatter, batches_of, scattered_files
from fraud_detection_api.storage.blocks import blocks_in
from fraud_detection_api.training.tables.remembered import arrivals_in
from tests.pipeline.stepping import OWN, RIDES, Columns, digests, do, raw_folder, rides

FIRST_STEPS = ("partition", "features")
RAW = rides(900, seed=3)


def of_the_whole_table(columns: Columns) -> Remembered:
    """What histories say of each row, computed at once."""
    remembering = Remembering(RIDES)
    checked, problems = columns_of_table(columns, RIDES)
    assert not problems
    return remembering.of_table(checked, arrivals_in(columns, remembering.times(checked), RIDES))


def of_files(folder: Path, partitions: int) -> Remembered:
    """The same, from the files that the steps have made."""
    found = []
    assert RIDES.histories is not None
    scatter = Scatter(2, partitions)
    with remembered_rows(folder / "features", RIDES.histories, scatter) as rows:
        batch = 0
        for path in scattered_files(folder / "partition"):
            first = 0
            with blocks_in(path) as blocks:
                for own in range(batches_of(blocks)):
                    places = [scatter.block(own, 0, partition) for partition in range(partitions)]
                    size = sum(len(blocks.read(place)["row"]) for place in places)
                    found.append(rows.of_batch(batch, first + np.arange(size)))
                    batch, first = batch + 1, first + size
    values, flags = (np.concatenate([getattr(each, name) for each in found], axis=1) for name in ("values", "flags"))
    return Remembered(values, flags, np.zeros(flags.shape, np.int64))


def assert_same_bits(found: Remembered, expected: Remembered) -> None:
    assert found.values.tobytes() == np.ascontiguousarray(expected.values).tobytes()
    assert found.flags.tobytes() == expected.flags.tobytes()
    assert len(set(expected.flags.ravel().tolist())) > 3  # cold, truncated and repeated ones are among them


@pytest.mark.parametrize(("partitions", "files"), [(1, 1), (3, 4), (16, 2)])
def test_every_row_has_the_features_of_the_whole_table(tmp_path: Path, partitions: int, files: int) -> None:
    do(raw_folder(tmp_path, RAW, files), FIRST_STEPS, OWN | {"partitions": partitions})
    assert_same_bits(of_files(tmp_path, partitions), of_the_whole_table(RAW))


def test_raw_files_may_be_csv(tmp_path: Path) -> None:
    do(raw_folder(tmp_path, RAW, suffix=".csv"), FIRST_STEPS, OWN)
    assert_same_bits(of_files(tmp_path, 3), of_the_whole_table(RAW))


def test_a_file_that_is_read_in_several_batches_says_the_same(tmp_path: Path) -> None:
    many = rides(140_000, seed=5)
    do(raw_folder(tmp_path, many, 1), FIRST_STEPS, OWN)
    with blocks_in(scattered_files(tmp_path / "partition")[0]) as blocks:
        assert batches_of(blocks) == 2
    assert_same_bits(of_files(tmp_path, 3), of_the_whole_table(many))


def test_the_order_of_the_work_and_the_hash_seed_change_no_byte(tmp_path: Path) -> None:
    steps = (*FIRST_STEPS, "training_data")
    one = do(raw_folder(tmp_path / "one", RAW), steps, OWN)
    other = do(raw_folder(tmp_path / "other", RAW), steps, OWN, backwards=True)
    script = "import sys; from pathlib import Path; from tests.pipeline.stepping import *; "
    script += f"do(raw_folder(Path(sys.argv[1]), rides(900, seed=3)), {steps}, OWN)"
    third = tmp_path / "third"
    subprocess.run([sys.executable, "-c", script, str(third)], check=True, env={"PYTHONHASHSEED": "7"})
    assert digests(one, steps) == digests(other, steps) == digests(third, steps)


def test_raw_files_are_taken_in_the_order_of_their_names(tmp_path: Path) -> None:
    raw_folder(tmp_path, RAW, 3)
    assert [path.name for path in raw_files(tmp_path / "make_sample")] == [f"rides-{at}.parquet" for at in range(3)]
