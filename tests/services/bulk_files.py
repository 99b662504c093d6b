"""Files to score in bulk, and how a test scores them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import Scored
from fraud_detection_api.services.bulk_scoring import BulkFiles, BulkSummary, score_file
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.examples import Row, columns_of
from tests.storage.loan_tables import csv_of, write_parquet

HEADER = "customer_id,number_of_open_accounts,total_credit_limit,total_balance,number_of_accounts_in_arrears\n"
PEAK_OF_COMMAND = """
import atexit, re
from pathlib import Path
from fraud_detection_api.cli.main import run
atexit.register(lambda: print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]))
run()
"""
BAD_CSV = (
    HEADER
    + "1,23,12345,200000,2\n"
    + "\n"
    + '2,"23 apples",1,1,1\n'
    + '9007199254740993,23,"12345\n",1,2\n'
    + "4,1,1,1\n"
    + ",23,1e13,1,24\n"
    + "6,23,1,1,2\n"
)
FORMATS = [".csv", ".parquet"]


@dataclass(frozen=True)
class Shop:
    """A registry with a champion for every use case."""

    models: Path
    scorers: dict[str, Scorer]


def write_rows(path: Path, rows: Sequence[Row], use_case: UseCase) -> None:
    if path.suffix == ".parquet":
        write_parquet(path, rows, use_case)
    else:
        path.write_bytes(csv_of(rows, [field.name for field in use_case.fields], "\r\n"))


def scored(files: BulkFiles, scorer: Scorer, use_case: UseCase = CREDIT_ACCOUNTS, batch_rows: int = 7) -> BulkSummary:
    return score_file(files, scorer, use_case, batch_rows, lambda *_: None)


def scored_rows(rows: Sequence[Row], scorer: Scorer, use_case: UseCase) -> Scored:
    """What a request that sends these rows is answered from."""
    columns = derive(columns_of(rows, use_case), use_case)
    return Scored(use_case, columns, scorer, scorer.scores(columns))


def table_of(path: Path) -> pa.Table:
    """A file as another program reads it."""
    return parquet.read_table(path) if path.suffix == ".parquet" else arrow_csv.read_csv(path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(files: BulkFiles, scorer: Scorer) -> str:
    """The sentence that a file is refused with; nothing is written then."""
    before = names(files.records.parent)
    with pytest.raises(DataRefused) as refused:
        scored(files, scorer)
    assert names(files.records.parent) == before
    return refused.value.message


def some_accounts(path: Path, rows: int) -> None:
    """A table of accounts that can all be scored."""
    numbers = np.arange(rows)
    columns: dict[str, RawColumn] = {
        "customer_id": numbers,
        "number_of_open_accounts": numbers % 20 + 6,
        "total_credit_limit": numbers * 0.37 % 16_000,
        "total_balance": numbers * 1.13 % 14_000,
        "number_of_accounts_in_arrears": numbers % 7,
    }
    write_table(path, columns)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "fraud_detection_api.cli.main", "score", *words]
