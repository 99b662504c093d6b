"""The end of a run in words, for a model with labels and for one without."""

from dataclasses import replace
from pathlib import Path

import pytest

from fraud_detection_api.cli.fit_summary import summary
from fraud_detection_api.model.bundle import REPORT
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.samples.platform_activity import platform_activity
from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from tests.learning import with_learning
from tests.training.claims import CLAIMS, TIMELESS_CLAIMS, claims_table
from tests.training.fitting import QUICK, accounts_file, fitted, table_file


def test_without_labels_it_says_what_is_flagged_and_measures_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = FitOptions(threads=1, n_estimators=20, contamination=0.01)
    data = table_file(tmp_path, platform_activity(2000, 1).columns)
    found = fitted(data, tmp_path / "models", options, PLATFORM_ACTIVITY)
    summary(found)
    said = capsys.readouterr().out
    assert f"isolation forest: flagged below {found.manifest.threshold:.4f}, 20 of 2,000 training rows" in said
    assert f"platform_activity {found.version} is champion now" in said
    assert "measures" not in said


def test_with_labels_it_says_the_kind_the_measures_and_the_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = fitted(accounts_file(tmp_path), tmp_path / "models", FitOptions(threads=1, model="tree"))
    summary(found)
    said = capsys.readouterr().out
    assert "average precision" in said
    assert f"decision tree: flagged from {found.manifest.threshold:.4f} on (the highest F1)" in said


@pytest.mark.parametrize(("use_case", "rows"), [(CLAIMS, "later"), (TIMELESS_CLAIMS, "held-out")])
def test_rows_are_called_later_only_where_something_says_which_came_first(
    use_case: UseCase, rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary(fitted(table_file(tmp_path, claims_table(3000)), tmp_path / "models", use_case=use_case))
    assert f"on {rows} rows" in capsys.readouterr().out


def test_a_model_whose_decisions_cost_more_than_none_says_so_beside_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dear = with_learning(CLAIMS, costs=Costs(missed_fraud=1.0, false_alarm=100.0))
    models, options = tmp_path / "models", replace(QUICK, threshold="at:0.01")
    found = fitted(table_file(tmp_path, claims_table(3000)), models, options, dear)
    summary(found)
    page = (Registry(models).bundle("claims", found.version).attached(REPORT) or b"").decode()
    assert found.meaning is not None
    assert found.meaning.money is not None
    said = f"Its decisions cost {found.meaning.money.cost:,.0f} on these {found.meaning.rows:,} records, more than"
    for shown in (capsys.readouterr().out, page):
        assert said in shown
    assert ">Passed<" in page
    assert ">Costs more than no model<" in page
