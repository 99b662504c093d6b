"""Simulated card payments: customers at the terminals near them, terminals that criminals read, and stolen cards.

In the manner of the public simulators of card fraud. `python simulated_payments.py FILE` writes them as CSV or Parquet.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.storage.files import write_table

CUSTOMERS, TERMINALS, DAYS = 600, 400, 100
REACH = 12  # how far away the terminals of a customer are, of a square of 100
READ_FOR, READ_EVERY = 28, 3  # days that criminals read a terminal for, and days from one to the next
STOLEN_FOR, STOLEN_EVERY = 14, 1  # the same of cards
STOLEN_SHARE, TIMES = 3, 5  # one in three payments with a stolen card is a fraud, five times as large
FIRST = np.datetime64("2024-01-01", "us")
SECONDS = 86_400

Whole = NDArray[np.int64]


def simulated_payments(seed: int = 7) -> dict[str, RawColumn]:
    """A table of payments in the order of their times, and which of them are frauds."""
    random = np.random.default_rng(seed)
    customer, day = _who_pays_when(random)
    terminal = _where(random, customer)
    average = random.uniform(5, 100, CUSTOMERS)
    amount = np.maximum(random.normal(average[customer], average[customer] / 2), 1)
    at_terminal = _within(terminal, day, _compromised(random, TERMINALS, READ_EVERY), READ_FOR)
    stolen = _within(customer, day, _compromised(random, CUSTOMERS, STOLEN_EVERY), STOLEN_FOR)
    stolen &= random.integers(0, STOLEN_SHARE, len(customer)) == 0
    amount = np.round(np.where(stolen, TIMES * amount, amount), 2)
    second = np.clip(random.normal(SECONDS / 2, SECONDS / 5, len(day)), 0, SECONDS - 1).astype(np.int64)
    order = np.lexsort((second, day))
    return {
        "payment_id": np.arange(len(order)),
        "paid_at": FIRST + (day * SECONDS + second)[order] * np.timedelta64(1_000_000, "us"),
        "customer_id": customer[order],
        "terminal_id": terminal[order],
        "amount": amount[order],
        "is_fraud": (at_terminal | stolen)[order].astype(np.int64),
    }


def _who_pays_when(random: np.random.Generator) -> tuple[Whole, Whole]:
    """The customer and the day of each payment."""
    a_day = random.uniform(0.2, 3, CUSTOMERS)
    counts = random.poisson(a_day, (DAYS, CUSTOMERS))
    return np.tile(np.arange(CUSTOMERS), DAYS).repeat(counts.ravel()), np.arange(DAYS).repeat(counts.sum(axis=1))


def _where(random: np.random.Generator, customer: Whole) -> Whole:
    """A terminal near the customer's home; the nearest, where none is near."""
    homes, places = random.uniform(0, 100, (CUSTOMERS, 1, 2)), random.uniform(0, 100, (TERMINALS, 2))
    distances = np.sqrt(((homes - places) ** 2).sum(axis=2))
    near = [np.flatnonzero(each <= max(REACH, each.min())) for each in distances]
    return np.array([near[each][random.integers(len(near[each]))] for each in customer.tolist()], np.int64)


def _compromised(random: np.random.Generator, of: int, every: int) -> list[tuple[int, int]]:
    """Which are, and from which day on."""
    return [(int(random.integers(of)), day) for day in range(0, DAYS, every)]


def _within(which: Whole, day: Whole, compromised: list[tuple[int, int]], days: int) -> NDArray[np.bool_]:
    found = np.zeros(len(which), bool)
    for one, first in compromised:
        found |= (which == one) & (day >= first) & (day < first + days)
    return found


if __name__ == "__main__":
    write_table(Path(sys.argv[1]), simulated_payments())
