"""Raw records that cannot be used: refused with their file and row, or left out and counted."""

from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.history_plan import MISSING
from fraud_detection_api.features.remembering import Arrivals, Remembering
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.history_errors import SecretUnreadable
from fraud_detection_api.pipeline.given import shared_by_all
from fraud_detection_api.pipeline.scattered import Scatter, pieces_of
from fraud_detection_api.pipeline.steps.training_data import skipped_rows
from fraud_detection_api.storage.secret_file import secret_in
from tests.pipeline.stepping import OWN, RIDES, Columns, do, raw_folder, rides
from tests.pipeline.test_features_step import assert_same_bits, of_files, of_the_whole_table


def with_bad_fares(columns: Columns, rows: list[int]) -> Columns:
    fares = columns["fare"].copy()
    fares[rows] = -1
    return {**columns, "fare": fares}


def test_a_bad_row_is_refused_with_its_file_and_its_place(tmp_path: Path) -> None:
    raw_folder(tmp_path, with_bad_fares(rides(90, seed=1), [31]), files=3)
    with pytest.raises(DataRefused, match=r"rides-1\.parquet: 1 of 30 rows .* row 2, fare: .* greater than"):
        do(tmp_path, ["partition"], OWN)


def test_bad_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    columns, bad = rides(600, seed=1), [0, 31, 599]
    raw_folder(tmp_path, with_bad_fares(columns, bad))
    do(tmp_path, ["partition", "features", "training_data"], OWN | {"skip_bad_rows": True})
    assert skipped_rows(tmp_path / "partition") == 3


def test_a_record_without_a_label_is_known_to_those_after_it(tmp_path: Path) -> None:
    columns = rides(600, seed=2)
    labels = columns["is_fraud"].copy()
    labels[::7] = np.nan
    columns = {**columns, "is_fraud": labels}
    do(raw_folder(tmp_path, columns), ["partition", "features"], OWN)
    assert_same_bits(of_files(tmp_path, 3), of_the_whole_table(columns))


def test_keys_are_hashed_with_the_secret_that_the_service_has(tmp_path: Path) -> None:
    shared = shared_by_all(["tests.pipeline.stepping:RIDES"], tmp_path / "secret")
    columns = rides(600, seed=1)
    do(raw_folder(tmp_path, columns), ["partition"], OWN | shared)
    remembering = Remembering(RIDES, secret_in(tmp_path / "secret"))
    checked, _ = columns_of_table(columns, RIDES)
    expected = remembering.at_keys(checked, Arrivals())[0].keys
    width = max(each.plan.width for each in remembering.kernels)
    found = [
        piece.keyed.keys
        for partition in range(3)
        for piece in pieces_of(tmp_path / "partition", Scatter(2, 3), 0, partition, width)
    ]
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.sort(expected))
    assert not np.isin(expected[expected != MISSING], Remembering(RIDES).at_keys(checked, Arrivals())[0].keys).any()


def test_a_worker_with_another_secret_scatters_nothing(tmp_path: Path) -> None:
    shared = shared_by_all(["tests.pipeline.stepping:RIDES"], tmp_path / "secret")
    (tmp_path / "secret").write_text("of another machine, which is as long")
    with pytest.raises(SecretUnreadable, match="another secret there than the one that runs"):
        do(raw_folder(tmp_path, rides(600, seed=1)), ["partition"], OWN | shared)


def test_a_file_without_a_column_is_named(tmp_path: Path) -> None:
    columns = rides(90, seed=1)
    del columns["fare"]
    raw_folder(tmp_path, columns)
    with pytest.raises(DataRefused, match=r"rides-0\.parquet: The table has no column fare"):
        do(tmp_path, ["partition"], OWN)


def test_raw_records_that_were_changed_after_they_were_partitioned_are_not_joined(tmp_path: Path) -> None:
    do(raw_folder(tmp_path, rides(600, seed=1)), ["partition", "features"], OWN)
    raw_folder(tmp_path / "other", rides(500, seed=1))
    (tmp_path / "make_sample").rename(tmp_path / "before")
    (tmp_path / "other" / "make_sample").rename(tmp_path / "make_sample")
    with pytest.raises(DataRefused, match="no longer those that were partitioned"):
        do(tmp_path, ["training_data"], OWN)
