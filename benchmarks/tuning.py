"""How long 60 trials take on 100,000 rows of ten features: `python -m benchmarks.tuning [--trials N] [--rows N]`.

The time is that of the whole `fraud tune`: start, reading, checks, folds, trials, and default against tuned on the last
period, which the command prints. The table has numbers, counts, two categories, missing values and about 1 % frauds.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase

ROWS, TRIALS, MOST_MINUTES = 100_000, 60, 10.0
COUNTRIES = [f"country-{number:02d}" for number in range(40)]


class Payment(Record):
    """A payment with ten features."""

    payment: int = Field(examples=[1], ge=0)
    amount: float = Field(examples=[40.0], ge=0)
    mean_amount: float = Field(examples=[35.0], ge=0)
    minutes_since_last: float | None = Field(default=None, examples=[90.0], ge=0)
    payments_today: int = Field(examples=[2], ge=0)
    distance: float = Field(examples=[3.5], ge=0)
    account_days: int = Field(examples=[400], ge=0)
    hour: int = Field(examples=[14], ge=0, le=23)
    device_score: float = Field(examples=[0.1])
    country: str = Field(examples=["country-00"])
    channel: Literal["card", "wallet", "transfer"] = Field(examples=["card"])


PAYMENTS = UseCase(
    name="payments",
    title="Payments",
    record=Payment,
    learning=Supervised(label="is_fraud", time_column="paid_on"),
    identifier="payment",
)


def payments(rows: int) -> dict[str, RawColumn]:
    """Payments over two years, in which a few things together mean fraud."""
    random = np.random.default_rng(1)
    amount, usual = random.lognormal(3.5, 1, rows), random.lognormal(3.4, 0.7, rows)
    minutes = np.where(random.random(rows) < 0.15, np.nan, random.exponential(600, rows))
    today, distance = random.poisson(1.5, rows), random.exponential(8, rows)
    days, hour = random.integers(0, 3000, rows), random.integers(0, 24, rows)
    device, country = random.standard_normal(rows), random.integers(0, 40, rows)
    channel = random.integers(0, 3, rows)
    risk = 0.8 * np.log(amount / usual) + 0.9 * (np.nan_to_num(minutes, nan=600) < 30) * today + 0.5 * device
    risk += (distance > 20) * (channel == 1) * 1.5 + (hour < 5) * 0.7 - np.minimum(days, 900) / 600
    risk += random.standard_normal(40)[country] * 0.6 - 4.6
    return {
        "payment": np.arange(rows),
        "amount": amount,
        "mean_amount": usual,
        "minutes_since_last": minutes,
        "payments_today": today,
        "distance": distance,
        "account_days": days,
        "hour": hour,
        "device_score": device,
        "country": np.array(COUNTRIES, dtype=object)[country],
        "channel": np.array(["card", "wallet", "transfer"], dtype=object)[channel],
        "paid_on": np.datetime64("2024-01-01", "us") + np.sort(random.integers(0, 730, rows)) * np.timedelta64(1, "D"),
        "is_fraud": random.random(rows) < 1 / (1 + np.exp(-risk)),
    }


def main() -> None:
    """Write the table, tune on it, and say how long that took."""
    from fraud_detection_api.storage.files import write_table

    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--trials", type=int, default=TRIALS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        table = payments(asked.rows)
        write_table(Path(name) / "payments.parquet", table)
        options = ["--data", f"{name}/payments.parquet", "--models", f"{name}/models", "--trials", str(asked.trials)]
        command = [sys.executable, "-m", "fraud_detection_api.cli.main", "tune", PAYMENTS.name, *options]
        before = os.times()
        started = time.perf_counter()
        limit = ["--minutes", "600"]  # so that it is the trials that end it
        subprocess.run(
            [*command, *limit], env=os.environ | {"FRAUD_USE_CASES": f"{__spec__.name}:PAYMENTS"}, check=True
        )
        seconds, after = time.perf_counter() - started, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    print(
        f"\n{asked.trials} trials on {asked.rows:,} rows x {len(PAYMENTS.features)} features, "
        f"{table['is_fraud'].mean():.1%} frauds, {len(os.sched_getaffinity(0))} cores: {seconds / 60:.1f} minutes "
        f"({processor / 60:.1f} of processor time); the mark is {MOST_MINUTES:g}"
    )


if __name__ == "__main__":
    main()
