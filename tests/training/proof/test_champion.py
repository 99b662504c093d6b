"""The champion beside a new model: compared where that is fair, named where it has an advantage, else left out."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.model.manifest import GateCheck
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.training.fitting import Fitted
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.champion import SEEN, ValidationRows, champion_on
from fraud_detection_api.training.proof.gate import Champion
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import QUICK, fitted, table_file

DULL = replace(QUICK, rounds=1, depth=1)
FAR_TOO_LATE = np.datetime64("2030-01-01")


@pytest.fixture(scope="module")
def timeless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = {name: values for name, values in claims_table(3000).items() if name != "claimed_on"}
    return table_file(tmp_path_factory.mktemp("data"), table)


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fitted]:
    """A registry whose champion was made on days, and that champion."""
    folder = tmp_path_factory.mktemp("dated")
    return folder / "models", fitted(table_file(folder, claims_table(3000)), folder / "models", QUICK, CLAIMS)


def compared(found: Fitted) -> GateCheck:
    (check,) = (each for each in found.manifest.gate.checks if each.name == "not worse than the champion")
    return check


def beside(dated: tuple[Path, Fitted], share_seen: float) -> Champion | None:
    """What the champion says of rows of which so many lie on its own days."""
    models, champion = dated
    parameters = champion.manifest.parameters
    until = np.datetime64(str(parameters.get("chosen_until") or parameters["trained_until"]))
    days = np.where(np.arange(200) < share_seen * 200, until, FAR_TOO_LATE).astype(np.int64)
    table = claims_table(200, seed=3)
    columns, _ = columns_of_table(table, CLAIMS)
    judged = HoldoutRows(np.full(200, 0.1, dtype=np.float32), np.asarray(table["is_fraud"], dtype=bool), days)
    first_day = date.fromordinal(date(1970, 1, 1).toordinal() + int(days.min()))
    rows = ValidationRows(columns, judged, Budget.read("5%"), 0, first_day, "of other data")
    return champion_on(rows, Registry(models), CLAIMS)


def test_another_seed_without_time_is_not_held_against_a_model(timeless: Path, tmp_path: Path) -> None:
    first = fitted(timeless, tmp_path, replace(QUICK, rounds=300, patience=0), TIMELESS_CLAIMS)
    again = fitted(timeless, tmp_path, replace(QUICK, seed=1), TIMELESS_CLAIMS)
    assert first.is_champion
    assert again.is_champion
    assert compared(again).detail == (
        f"{first.version} cannot be compared: no day tells which of these rows the champion was trained on"
    )


def test_the_same_rows_and_seed_without_time_are_compared(timeless: Path, tmp_path: Path) -> None:
    good = fitted(timeless, tmp_path, QUICK, TIMELESS_CLAIMS)
    dull = fitted(timeless, tmp_path, DULL, TIMELESS_CLAIMS)
    assert good.is_champion
    assert not compared(dull).passed
    assert "cannot be compared" not in compared(dull).detail
    assert "trained on" not in compared(dull).detail


def test_other_rows_without_time_are_not_compared(timeless: Path, tmp_path: Path) -> None:
    fitted(timeless, tmp_path / "models", QUICK, TIMELESS_CLAIMS)
    table = {name: values for name, values in claims_table(3000, seed=1).items() if name != "claimed_on"}
    other = fitted(table_file(tmp_path, table), tmp_path / "models", QUICK, TIMELESS_CLAIMS)
    assert "no day tells which of these rows the champion was trained on" in compared(other).detail


@pytest.mark.parametrize(("share_seen", "remark"), [(0, ""), (0.01, SEEN), (0.5, SEEN)])
def test_a_champion_that_knows_no_more_than_half_of_the_rows_is_compared(
    dated: tuple[Path, Fitted], share_seen: float, remark: str
) -> None:
    found = beside(dated, share_seen)
    assert found is not None
    assert found.evaluation is not None
    assert found.remark == remark


@pytest.mark.parametrize("share_seen", [0.51, 1])
def test_a_champion_that_knows_most_of_the_rows_is_not_compared(dated: tuple[Path, Fitted], share_seen: float) -> None:
    found = beside(dated, share_seen)
    assert found == Champion(dated[1].version, None, f"more than half of these rows lie on days that it knows{SEEN}")


def test_days_that_stopped_or_calibrated_are_days_that_a_champion_knows(tmp_path: Path) -> None:
    table = claims_table(3000)
    champion = fitted(table_file(tmp_path, table), tmp_path / "models", QUICK, CLAIMS)
    days = table["claimed_on"].astype("datetime64[D]")
    earlier = table | {"claimed_on": days - np.timedelta64(60, "D")}  # judged by days that the champion stopped on
    found = fitted(table_file(tmp_path, earlier), tmp_path / "models", DULL, CLAIMS)
    assert found.manifest.data is not None
    judged_from = found.manifest.data.split.rpartition("validation from ")[2].split(" to ")[0]
    assert str(champion.manifest.parameters["trained_until"]) < judged_from
    assert compared(found).passed
    assert compared(found).detail.endswith(f"than half of these rows lie on days that it knows{SEEN}")


def test_there_may_be_no_champion(dated: tuple[Path, Fitted], tmp_path: Path) -> None:
    assert beside((tmp_path, dated[1]), 0) is None
