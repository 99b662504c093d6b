"""What holds for every sample: seeds, records that pass the check, and a command whose files can be read."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.samples import DEFAULT_SEED, SAMPLES
from fraud_detection_api.samples.sample_table import GroupedSample
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.use_cases.known import USE_CASES

every_use_case = pytest.mark.parametrize("use_case", USE_CASES, ids=lambda use_case: use_case.name)


@every_use_case
def test_every_built_in_use_case_has_a_sample_whose_records_pass_the_check(use_case: UseCase) -> None:
    maker = SAMPLES[use_case.name]
    columns, problems = columns_of_table(maker(maker.rows, DEFAULT_SEED).columns, use_case)
    assert (problems, RecordCheck(use_case).problems(columns)) == ([], [])


@every_use_case
def test_the_same_seed_gives_the_same_sample_and_another_seed_another(use_case: UseCase) -> None:
    first, again, other = (SAMPLES[use_case.name](1000, seed).columns for seed in (7, 7, 8))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    features = [name for name in use_case.feature_names if name in first and name != "is_premium"]  # few users are
    assert not any(np.array_equal(first[name], other[name]) for name in features)


@every_use_case
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_sample_may_be_tiny(use_case: UseCase, rows: int) -> None:
    sample = SAMPLES[use_case.name](rows, 1)
    made = sample.sizes["transactions"] if isinstance(sample, GroupedSample) else len(sample)
    assert made == rows


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    "use_case", [each for each in USE_CASES if not each.tables], ids=lambda use_case: use_case.name
)
def test_the_command_writes_a_file_that_reads_back_as_the_sample(
    tmp_path: Path, use_case: UseCase, suffix: str
) -> None:
    file = tmp_path / f"sample{suffix}"
    arguments = ["sample", use_case.name, "--rows", "500", "--seed", "3", "--output", str(file)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert ("ROC AUC" if use_case.label else "500 rows without labels") in result.output
    found, problems = read_table(Source(str(file)), {each.name: each.kind for each in use_case.fields})
    expected = SAMPLES[use_case.name](500, 3).columns
    assert problems == []
    assert all(np.array_equal(found[each.name], expected[each.name]) for each in use_case.fields)


def test_without_a_number_of_rows_a_sample_has_as_many_as_suit_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["sample", "platform_activity", "--output", str(tmp_path / "activity.parquet")])
    assert "64,227 rows without labels" in result.output
