"""What reading a table costs: memory, and a dependency that may be absent."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.files import write_table
from tests.storage.account_files import read, write


def test_columns_that_are_not_there_are_not_in_the_table(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.csv"), account=Kind.INTEGER, shoe_size=Kind.NUMBER) == {
        "account": [1, 2, 9007199254740993, 4]
    }


PEAK_OF_READING = """
import re, sys
from pathlib import Path
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.tables import Source, read_table

def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

wanted = dict.fromkeys(("account", "balance", "limit", "income"), Kind.NUMBER)
read_table(Source("small" + sys.argv[1]), wanted)
before = kilobytes("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
table, _ = read_table(Source("large" + sys.argv[1]), wanted)
print(sum(column.nbytes for column in table.values()), (kilobytes("VmHWM") - before) * 1024)
"""


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_reading_costs_little_more_memory_than_the_columns(tmp_path: Path, suffix: str) -> None:
    for name, rows in (("small", 1_000), ("large", 800_000)):
        columns = {each: np.arange(rows) * 1.5 for each in ("account", "balance", "limit", "income")}
        write_table(tmp_path / f"{name}{suffix}", columns | {"unwanted": np.full(rows, "x" * 100, dtype=object)})
    command = [sys.executable, "-c", PEAK_OF_READING, suffix]
    measured = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    size, peak = map(int, measured.split())
    assert size == 4 * 8 * 800_000
    assert peak < 1.25 * size + 60_000_000  # the batches under way; the whole file is more than 100 MB


def test_without_pyarrow_the_package_can_be_imported_and_says_which_extra_is_needed(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    code = """
import sys
sys.modules["pyarrow"] = None
import fraud_detection_api.cli.score
from fraud_detection_api.errors import DataRefused
from fraud_detection_api.storage.tables import Source, read_table
try:
    read_table(Source("a.csv"), {})
except DataRefused as error:
    print(error.message)
"""
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "pip install 'fraud-detection-api[files]'" in said
