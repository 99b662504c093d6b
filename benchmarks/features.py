"""Grouped features of a million fills: `python -m benchmarks.features`.

10,000 users, 50 stations, 1,000,000 fills in three files. Measured in turn: grouping alone; reading, grouping and
writing in a process that has started; `fraud features` with its start. Each figure is the median of five runs. Before
that, the whole result is compared, customer by customer, with a plain loop over the fills.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import run

from rich.console import Console
from rich.table import Table

from benchmarks.turns import medians
from fraud_detection_api.features.grouped import grouped
from fraud_detection_api.samples.purchases import purchases
from fraud_detection_api.samples.sample_table import GroupedSample, SampleColumns
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.storage.table_folder import grouped_records
from fraud_detection_api.use_cases.purchases import PURCHASES

FILLS, RUNS, MOST_SECONDS = 1_000_000, 5, 3.0
FORMATS = (".csv", ".parquet")
WHOLE = "`fraud features` with its start"


def main() -> None:
    """Measure everything and print one table."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sample = purchases(FILLS, seed=1)
        _refuse_wrong_sums(sample)
        candidates: dict[str, Callable[[], object]] = {"grouping alone": lambda: grouped(sample.tables, PURCHASES)}
        for suffix in FORMATS:
            _write(work / suffix[1:], sample.tables, suffix)
            candidates[f"{suffix[1:]}: read, grouped, written"] = _in_process(work, suffix)
            candidates[f"{suffix[1:]}: {WHOLE}"] = _command(work, suffix)
        _print(medians(candidates, RUNS))


def _refuse_wrong_sums(sample: GroupedSample) -> None:
    fills = {name: values.tolist() for name, values in sample.tables["transactions"].items()}
    stations = sample.tables["gas_stations"]
    prices = dict(zip(stations["gas_station_id"].tolist(), stations["gasoline_price_per_litre"].tolist(), strict=True))
    paid = dict.fromkeys(sample.tables["users"]["user_id"].tolist(), 0.0)
    for user, station, liters in zip(fills["user_id"], fills["gas_station_id"], fills["liters"], strict=True):
        paid[user] += liters * prices[station]
    if sample.columns["total_amount_paid"].tolist() != [paid[user] for user in sorted(paid)]:
        raise SystemExit("The grouped sums differ from a plain loop: there are no figures.")


def _write(folder: Path, tables: Mapping[str, SampleColumns], suffix: str) -> None:
    folder.mkdir()
    for name, columns in tables.items():
        write_table(folder / f"{name}{suffix}", columns)


def _in_process(work: Path, suffix: str) -> Callable[[], object]:
    return lambda: write_table(work / f"grouped{suffix}", grouped_records(work / suffix[1:], PURCHASES))


def _command(work: Path, suffix: str) -> Callable[[], object]:
    words = ["features", PURCHASES.name, "--data", suffix[1:], "--output", f"grouped{suffix}"]
    command = [sys.executable, "-m", "fraud_detection_api.cli.main", *words]
    return lambda: run(command, cwd=work, check=True, capture_output=True)


def _print(seconds_of: dict[str, float]) -> None:
    table = Table("", "seconds", "fills/s", title=f"{FILLS:,} fills of 10,000 users at 50 stations")
    for name, seconds in seconds_of.items():
        table.add_row(name, f"{seconds:.2f}", f"{FILLS / seconds:,.0f}")
    Console(width=100).print(table)
    slowest = max(seconds for name, seconds in seconds_of.items() if WHOLE in name)
    print(
        f"Asked: at most {MOST_SECONDS:g} s for the whole command: {'reached' if slowest <= MOST_SECONDS else 'MISSED'}"
    )


if __name__ == "__main__":
    main()
