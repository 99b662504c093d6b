"""Optional fields without a single value are named, with the column that may have been meant, before a training."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fraud_detection_api.cli.main import app
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.training.fit_options import TableOptions
from fraud_detection_api.training.tables.training_table import training_table, unlabelled_table
from tests.training.claims import CLAIMS, claims_table
from tests.training.fitting import Listener, table_file


def claims(**renamed: str) -> dict[str, RawColumn]:
    """Claims some of whose columns have other names."""
    return {renamed.get(name, name): values for name, values in claims_table(300).items()}


def refusal(table: dict[str, RawColumn], folder: Path) -> str:
    source = TableOptions(data=str(table_file(folder, table))).source
    with pytest.raises(DataRefused) as refused:
        training_table(CLAIMS, source, Listener())
    return refused.value.message


@pytest.mark.parametrize(("column", "hint"), [("yearly_income", "; is it 'yearly_income'?"), ("salary", "")])
def test_a_column_of_another_name_is_named_where_it_looks_like_it(tmp_path: Path, column: str, hint: str) -> None:
    message = refusal(claims(income=column), tmp_path)
    assert message.startswith(f"No row has a value of: income (no such column{hint}). ")
    assert message.endswith("or go on without them by --allow-absent.")


@pytest.mark.parametrize("name", ["income", "city", "is_renewal"])
def test_a_column_that_is_empty_in_every_row_is_named(tmp_path: Path, name: str) -> None:
    message = refusal(claims() | {name: np.full(300, None, dtype=object)}, tmp_path)
    assert message.startswith(f"No row has a value of: {name} (empty in every row). ")


def test_it_goes_on_where_it_is_told_to_and_says_so(tmp_path: Path) -> None:
    data, listener = table_file(tmp_path, claims(income="salary", city="place")), Listener()
    source = TableOptions(data=str(data), allow_absent=True).source
    assert len(training_table(CLAIMS, source, listener).dataset) == 300
    assert listener.warned == ["No row has a value of city, income (--allow-absent)"]


def test_a_single_value_is_enough(tmp_path: Path) -> None:
    one = np.where(np.arange(300) == 7, 1.0, np.nan)
    source = TableOptions(data=str(table_file(tmp_path, claims() | {"income": one}))).source
    assert unlabelled_table(CLAIMS, source, Listener()).dataset.valueless == ()


@pytest.mark.parametrize("command", ["train", "tune", "compare", "evaluate"])
def test_every_command_that_reads_a_table_says_the_same(tmp_path: Path, command: str) -> None:
    data = table_file(tmp_path, claims(income="salary"))
    declared = ["--use-cases", "tests.training.claims:CLAIMS"]
    found = CliRunner().invoke(
        app, [command, "claims", "--data", str(data), *declared], env={"FRAUD_MODELS": str(tmp_path)}
    )
    assert found.exit_code != 0
    assert "No row has a value of: income (no such column)" in " ".join(f"{found.output}{found.exception}".split())
