"""Made-up card payments: honest habits of their own for every card, and a few cards that are misused for some days."""

from typing import Literal

import numpy as np
from pydantic import Field

from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.schemas.judging import Costs, Gate
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase
from tests.learning import with_learning

PAYMENTS_A_DAY = 0.8  # of an honest card
FIRST_DAY = np.datetime64("2025-03-01", "us")
REGIONS = np.array(["north", "south", "islands"], dtype=object)


class Payment(Record):
    """A payment by card."""

    payment: int = Field(examples=[17], ge=0)
    amount: float = Field(examples=[49.9], ge=0, le=1e6)
    times_the_usual: float = Field(examples=[1.2], ge=0)
    hour: int = Field(examples=[14], ge=0, le=23)
    is_abroad: bool = Field(examples=[False])
    shop: Literal["food", "fuel", "travel", "online"] = Field(examples=["online"])


CARDS = UseCase(
    name="cards",
    title="Card payments",
    record=Payment,
    learning=Supervised(
        label="is_fraud", time_column="paid_on", costs=Costs(missed_fraud="amount", false_alarm=5.0, caught_fraud=1.0)
    ),
    identifier="payment",
    entity="card",
)
CARDS_BY_REGION = with_learning(CARDS, gate=Gate(group="region", most_false_alarm_ratio=3.0))


def card_payments(cards: int, days: int, seed: int = 0) -> dict[str, RawColumn]:
    """The payments of so many cards on so many days, in the order of their days."""
    random = np.random.default_rng(seed)
    card, day = np.divmod(np.repeat(np.arange(cards * days), random.poisson(PAYMENTS_A_DAY, cards * days)), days)
    misused = np.flatnonzero(random.random(cards) < 0.0008 * days)
    stolen_on = random.integers(0, days, len(misused))
    lasting = random.integers(1, 10, len(misused))
    spree = [np.arange(start, min(start + long, days)) for start, long in zip(stolen_on, lasting, strict=True)]
    stolen_card, stolen_day = np.repeat(misused, [len(each) for each in spree]), np.concatenate(spree)
    is_fraud = np.r_[np.zeros(len(card), bool), np.ones(len(stolen_card), bool)]
    card, day = np.r_[card, stolen_card], np.r_[day, stolen_day]
    order = np.argsort(day, kind="stable")
    return {"payment": np.arange(len(card)), **_payments(random, card[order], day[order], is_fraud[order])}


def _payments(
    random: np.random.Generator, card: np.ndarray, day: np.ndarray, is_fraud: np.ndarray
) -> dict[str, RawColumn]:
    usual = np.exp(np.random.default_rng(1).normal(3.5, 0.6, card.max() + 1))[card]
    times = np.exp(random.normal(np.where(is_fraud, 0.9, 0.0), 0.7))
    hour = np.where(is_fraud & (random.random(len(card)) < 0.4), random.integers(0, 6, len(card)), 8 + day % 3)
    return {
        "card": card,
        "paid_on": FIRST_DAY + day * np.timedelta64(1, "D"),
        "amount": (usual * times).round(2),
        "times_the_usual": times.round(3),
        "hour": np.clip(hour + random.integers(-2, 12, len(card)), 0, 23),
        "is_abroad": random.random(len(card)) < np.where(is_fraud, 0.4, 0.05),
        "shop": np.array(["food", "fuel", "travel", "online"], dtype=object)[
            np.where(is_fraud & (random.random(len(card)) < 0.6), 3, random.integers(0, 4, len(card)))
        ],
        "region": REGIONS[card % 3],
        "is_fraud": is_fraud,
    }
