"""A small use case of the tests' own: text categories, missing values, dates, booleans; with and without time."""

from datetime import date
from typing import Literal

import numpy as np
from pydantic import Field

from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase


class Claim(Record):
    """An insurance claim."""

    claim: str = Field(examples=["c-17"])
    amount: float = Field(examples=[1200.5], ge=0, le=1e6)
    channel: Literal["web", "phone", "broker"] = Field(examples=["web"])
    city: str | None = Field(default=None, examples=["Wien"])
    income: float | None = Field(default=None, examples=[30_000])
    is_renewal: bool | None = Field(default=None, examples=[True])
    insured_since: date = Field(examples=["2019-05-17"])


CLAIMS = UseCase(
    name="claims",
    title="Claims",
    record=Claim,
    learning=Supervised(label="is_fraud", time_column="claimed_on"),
    identifier="claim",
)
TIMELESS_CLAIMS = UseCase(
    name="timeless_claims", title="Claims", record=Claim, learning=Supervised(label="is_fraud"), identifier="claim"
)

CITIES = np.array(["Wien", "Graz", "Linz", "Bregenz", "Eisenstadt", "Sankt P\u00f6lten", None], dtype=object)


def claims_table(rows: int, seed: int = 0) -> dict[str, RawColumn]:
    """Claims in which the web, one city and missing incomes mean risk."""
    random = np.random.default_rng(seed)
    channel = np.array(["web", "phone", "broker"], dtype=object)[random.integers(0, 3, rows)]
    city = CITIES[random.integers(0, len(CITIES), rows)]
    income = np.where(random.random(rows) < 0.3, np.nan, random.uniform(5e3, 9e4, rows))
    amount = random.uniform(10, 5000, rows)
    margin = -3 + 1.5 * (channel == "web") + 1.5 * (city == "Linz") + 1.5 * np.isnan(income) + amount / 5000
    return {
        "claim": np.array([f"c-{row}" for row in range(rows)], dtype=object),
        "amount": amount,
        "channel": channel,
        "city": city,
        "income": income,
        "is_renewal": np.where(random.random(rows) < 0.2, np.nan, random.integers(0, 2, rows)),
        "insured_since": np.datetime64("2015-01-01", "us") + random.integers(0, 3000, rows) * np.timedelta64(1, "D"),
        "claimed_on": np.datetime64("2025-01-01", "us") + random.integers(0, 300, rows) * np.timedelta64(1, "D"),
        "is_fraud": random.random(rows) < 1 / (1 + np.exp(-margin)),
    }
