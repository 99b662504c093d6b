"""The end of a run in words, for a model with labels and for one without."""

from pathlib import Path

import pytest

from fraud_detection_api.cli.fit_summary import summary
from fraud_detection_api.samples.platform_activity import platform_activity
from fraud_detection_api.schemas.platform_activity import PLATFORM_ACTIVITY
from fraud_detection_api.training.fit_options import FitOptions
from tests.training.fitting import accounts_file, fitted, table_file


def test_without_labels_it_says_what_is_flagged_and_measures_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = FitOptions(threads=1, n_estimators=20, contamination=0.01)
    data = table_file(tmp_path, platform_activity(2000, 1).columns)
    found = fitted(data, tmp_path / "models", options, PLATFORM_ACTIVITY)
    summary(found.version, found.manifest, is_champion=found.is_champion)
    said = capsys.readouterr().out
    assert f"isolation forest: flagged below {found.manifest.threshold:.4f}, 20 of 2,000 training rows" in said
    assert f"platform_activity {found.version} is champion now" in said
    assert "measures" not in said


def test_with_labels_it_says_the_kind_the_measures_and_the_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = fitted(accounts_file(tmp_path), tmp_path / "models", FitOptions(threads=1, model="tree"))
    summary(found.version, found.manifest, is_champion=found.is_champion)
    said = capsys.readouterr().out
    assert "average precision" in said
    assert f"decision tree: flagged from {found.manifest.threshold:.4f} on (the highest F1)" in said
