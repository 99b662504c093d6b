"""Training rows: the newest whose labels have come in judge, no class is thinned there, and no late label is used."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.pipeline.step import Scalar
from fraud_detection_api.pipeline.steps.training_data import choice_of
from fraud_detection_api.pipeline.training_rows import LoadedRows, loaded_rows
from fraud_detection_api.training.tables.periods import TRAIN, VALIDATION
from tests.pipeline.stepping import DAY, OWN, RIDES, Columns, do, raw_folder, rides

STEPS = ("partition", "features", "training_data")
RAW = rides(3000, seed=6)


def loaded(folder: Path, columns: Columns = RAW, **changes: Scalar) -> LoadedRows:
    do(raw_folder(folder, columns), STEPS, OWN | changes)
    return loaded_rows(folder / "training_data", RIDES, 0)


def moments(columns: Columns, name: str) -> NDArray[np.int64]:
    return columns[name].astype("datetime64[ms]").astype(np.int64)


def test_the_newest_rows_judge_after_a_gap(tmp_path: Path) -> None:
    rows = loaded(tmp_path)
    times = rows.dataset.moments
    assert times is not None
    newest = [times[rows.parts == part] for part in range(TRAIN, VALIDATION + 1)]
    assert all(before.max() < after.min() for before, after in pairwise(newest))
    assert newest[1].min() - newest[0].max() >= 2 * DAY
    assert 0.17 < np.mean(rows.parts == VALIDATION) < 0.25


def test_no_more_rows_judge_than_are_wanted(tmp_path: Path) -> None:
    rows = loaded(tmp_path, most_validation_rows=100)
    assert 80 < np.count_nonzero(rows.parts == VALIDATION) < 120


def test_labels_that_are_not_known_yet_are_not_used(tmp_path: Path) -> None:
    rows, now = loaded(tmp_path), moments(RAW, "received_at").max()
    known = np.unique(moments(RAW, "started_at")[moments(RAW, "known_at") <= now])
    assert rows.dataset.moments is not None
    assert rows.dataset.moments.max() <= known.max()
    assert np.isin(rows.dataset.moments, known).all()


def test_frauds_that_are_known_sooner_do_not_fill_the_last_days(tmp_path: Path) -> None:
    """Their labels come in a day before those of all others, so that the last days would hold nothing else."""
    rows = loaded(tmp_path)
    days = rows.dataset.days
    assert days is not None
    last = days == days.max()
    assert np.count_nonzero(last) > 10
    assert rows.dataset.labels[last].mean() < 0.5


def test_a_corrected_label_is_used_once_it_is_known(tmp_path: Path) -> None:
    _, first, counts = np.unique(RAW["ride_id"], return_index=True, return_counts=True)
    corrected = first[(counts == 1) & (first >= 100)][:10]
    known_at = RAW["known_at"].copy()
    known_at[corrected] = RAW["received_at"].max() + np.timedelta64(1, "D")
    before, after = (
        loaded(tmp_path / name, columns) for name, columns in (("all", RAW), ("late", {**RAW, "known_at": known_at}))
    )
    of_fares = RIDES.feature_names.index("fare")
    found = [np.isin(RAW["fare"][corrected], rows.dataset.columns.numbers[of_fares]) for rows in (before, after)]
    assert [int(each.sum()) for each in found] == [10, 0]


def test_only_training_rows_without_fraud_are_thinned_and_weights_make_up_for_it(tmp_path: Path) -> None:
    every, some = loaded(tmp_path / "every"), loaded(tmp_path / "some", kept_non_frauds=0.25)
    assert every.dataset.weights is None
    assert some.dataset.weights is not None
    for part in range(TRAIN + 1, VALIDATION + 1):
        assert np.count_nonzero(every.parts == part) == np.count_nonzero(some.parts == part)
    trained = some.parts == TRAIN
    frauds = some.dataset.labels[trained]
    assert np.count_nonzero(frauds) == np.count_nonzero(every.dataset.labels[every.parts == TRAIN])
    assert set(some.dataset.weights[trained][~frauds].tolist()) == {4.0}
    assert set(some.dataset.weights[~trained].tolist()) == {1.0}
    before = every.dataset.fraud_share(np.flatnonzero(every.parts == TRAIN))
    assert some.dataset.fraud_share(np.flatnonzero(trained)) == pytest.approx(before, rel=0.15)


def test_training_rows_are_bounded(tmp_path: Path) -> None:
    rows = loaded(tmp_path, most_training_rows=800)
    assert 700 < np.count_nonzero(rows.parts == TRAIN) < 900
    with pytest.raises(DataRefused, match="leave no room"):
        choice_of({"features": tmp_path / "features"}, OWN | {"most_training_rows": 50})


def test_whom_rows_share_and_their_groups_and_stakes_are_kept_without_names(tmp_path: Path) -> None:
    dataset = loaded(tmp_path).dataset
    assert dataset.groups is not None
    assert dataset.groups.names == ("Bonn", "Köln")
    assert dataset.entities is not None
    riders = {rider for rider in RAW["rider"].tolist() if rider == rider}  # noqa: PLR0124  # NaN
    assert len(np.unique(dataset.entities)) > len(riders)  # whom nobody knows shares with nobody
    assert dataset.at_stake is not None
    np.testing.assert_array_equal(dataset.at_stake, dataset.columns.numbers[RIDES.feature_names.index("fare")])
    content = b"".join(path.read_bytes() for path in (tmp_path / "training_data").iterdir())
    assert b"+7" not in content


def test_a_gap_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="gap of 60 days leaves no record"):
        loaded(tmp_path, gap_days=60)
