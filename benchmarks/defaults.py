"""python -m benchmarks.defaults: what the default fit is worth beside bare XGBoost on the same rows.

Four tables: the sample of credit accounts, the UCI table of docs/data (its declaration is the one of
docs/adding-a-use-case.md), and made-up card payments, whole and week by week with about a hundred frauds to learn from.
Each is split several times; every way of boosting gets the same training, stopping and judging rows.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
from loguru import logger
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.servers import ROOT
from fraud_detection_api.features.tables import RawTable
from fraud_detection_api.samples import SAMPLES
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.tables import Source, read_table
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.proof.budget import Budget
from fraud_detection_api.training.proof.evaluation import Operation, measure_values
from fraud_detection_api.training.proof.holdout_rows import holdout_rows
from fraud_detection_api.training.tables.checked import wanted_kinds
from fraud_detection_api.training.tables.dataset import Dataset, Period, Rows, dataset_of
from fraud_detection_api.training.tables.split import split_at_random
from fraud_detection_api.training.xgboost_trainer import XGBoostTrainer
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.training.cards import CARDS, card_payments

BARE = Boosting(depth=6, reg_lambda=1.0, learning_rate=0.3, rounds=100, patience=0)  # the library's own defaults
WAYS = {
    "default fit": Boosting(),
    "bare, 100 rounds at 0.3": BARE,
    "bare, stopped early at 0.1": replace(BARE, learning_rate=0.1, rounds=1000, patience=50),
    "bare, stopped early at 0.05": replace(BARE, learning_rate=0.05, rounds=1000, patience=50),
}
UCI = ROOT / "docs/data/uci_default_of_credit_card_clients.csv.gz"
PAGE = ROOT / "docs/adding-a-use-case.md"
OPERATION = Operation(Budget(share=0.05), 0.5)


@dataclass(frozen=True)
class Cut:
    """Rows that train, that stop the training, and that judge."""

    train: Rows
    stopping: Rows
    judging: Rows


def main() -> None:
    """Print the mean average precision of each way, and its distance to the default fit."""
    logger.remove()
    splits = _arguments().splits
    table = Table("average precision", *WAYS, box=MARKDOWN)
    for name, (use_case, dataset, cuts) in _tables(splits).items():
        found = np.array([[_precision(use_case, dataset, cut, way) for way in WAYS.values()] for cut in cuts])
        table.add_row(f"{name} ({len(cuts)} splits)", *_cells(found))
        print(f"{name} done", file=sys.stderr)
    Console(width=160).print(table)


def _cells(found: np.ndarray) -> Iterator[str]:
    yield f"{found[:, 0].mean():.4f}"
    for column in found.T[1:]:
        apart = column - found[:, 0]
        yield f"{column.mean():.4f} ({apart.mean():+.4f} ± {apart.std(ddof=1) / len(apart) ** 0.5:.4f})"


def _precision(use_case: UseCase, dataset: Dataset, cut: Cut, way: Boosting) -> float:
    model = XGBoostTrainer(way).train(use_case, dataset, cut.train, cut.stopping, lambda *_: None)
    rows = holdout_rows(dataset, cut.judging, model.probabilities(dataset.columns.take(cut.judging)))
    return measure_values(rows, OPERATION)["average_precision"]


def _tables(splits: int) -> dict[str, tuple[UseCase, Dataset, list[Cut]]]:
    loans = _declared_loans()
    cards = _dataset(CARDS, card_payments(5_000, 60))
    tables = {
        "credit accounts": (CREDIT_ACCOUNTS, _dataset(CREDIT_ACCOUNTS, SAMPLES["credit_accounts"](50_000, 1).columns)),
        "UCI, 23 features": (loans, _dataset(loans, read_table(Source(str(UCI)), wanted_kinds(loans))[0])),
        "card payments": (CARDS, cards),
    }
    whole: dict[str, tuple[UseCase, Dataset, list[Cut]]] = {
        name: (use_case, dataset, [_at_random(dataset, seed) for seed in range(splits)])
        for name, (use_case, dataset) in tables.items()
    }
    return whole | {"card payments, by week": (CARDS, cards, list(_weeks(cards)))}


def _at_random(dataset: Dataset, seed: int) -> Cut:
    parts = split_at_random(len(dataset), seed)
    return Cut(parts.train, parts.stopping, parts.validation)


def _weeks(dataset: Dataset) -> Iterator[Cut]:
    """Six days train, the seventh stops, a week is left out, the next week judges."""
    assert dataset.days is not None
    day = dataset.days - dataset.days.min()
    for start in range(0, int(day.max()) - 20, 5):
        edges = ((start, start + 6), (start + 6, start + 7), (start + 14, start + 21))
        yield Cut(*(np.flatnonzero((day >= first) & (day < last)) for first, last in edges))


def _dataset(use_case: UseCase, table: RawTable) -> Dataset:
    return dataset_of(table, [], use_case, Period(), skip_bad_rows=False)


def _declared_loans() -> UseCase:
    blocks = re.findall(
        r'^```python title="their_package/loans.py"\n(.*?)^```', PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "declared_loans.py").write_text(blocks[0])
        sys.path.insert(0, folder)
        loans: UseCase = import_module("declared_loans").LOANS
        sys.path.remove(folder)
    return loans


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--splits", type=int, default=5, help="random splits of each whole table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
