"""What the tests of sample orders ask of a file: its columns as numbers, its kinds of suspicious orders, its digest."""

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from fraud_detection_api.samples.order_population import OrderSettings
from fraud_detection_api.samples.sample_table import LabelledSample

SETTINGS = OrderSettings()
SUSPICIOUS = 0.001  # more likely a fraud than those that nothing tells apart
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000

every_seed = pytest.mark.parametrize("seed", [1, 2, 3])


def milliseconds(file: LabelledSample, name: str) -> NDArray[np.int64]:
    """Times as numbers."""
    return file.columns[name].astype("datetime64[ms]").astype(np.int64)


def numbers(file: LabelledSample, name: str) -> NDArray[np.int64]:
    """A column, or each text of it as a number."""
    values = file.columns[name]
    found: NDArray[np.int64] = (
        np.unique(values, return_inverse=True)[1] if values.dtype == object else values.astype(np.int64)
    )
    return found


def digest(file: LabelledSample) -> str:
    """Of every byte of a file."""
    sha = hashlib.sha256(file.probabilities.tobytes())
    for name, values in file.columns.items():
        sha.update(
            name.encode() + ("\n".join(values.tolist()).encode() if values.dtype == object else values.tobytes())
        )
    return sha.hexdigest()


def usual_amounts(file: LabelledSample) -> NDArray[np.float64]:
    """For each order the median of its customer's orders that are not suspicious."""
    found: dict[int, list[float]] = {}
    honest = file.probabilities < SUSPICIOUS
    customers, amounts = file.columns["customer_id"].tolist(), file.columns["order_amount"].tolist()
    for customer, amount, is_honest in zip(customers, amounts, honest.tolist(), strict=True):
        if is_honest:
            found.setdefault(customer, []).append(amount)
    medians = {customer: float(np.median(spent)) for customer, spent in found.items()}
    return np.array([medians.get(customer, np.nan) for customer in customers])


def by_value(values: NDArray[np.int64], rows: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """These rows, those of one value after those of another."""
    chosen = np.flatnonzero(rows)
    chosen = chosen[np.argsort(values[chosen], kind="stable")]
    return iter(np.split(chosen, np.flatnonzero(np.diff(values[chosen])) + 1))


def kinds(file: LabelledSample) -> dict[str, NDArray[np.bool_]]:
    """Suspicious orders: those of fresh customers, those with a fresh e-mail, and the others."""
    suspicious = file.probabilities > SUSPICIOUS
    owners: dict[object, set[bool]] = {}
    for email, is_suspicious in zip(file.columns["email"].tolist(), suspicious.tolist(), strict=True):
        owners.setdefault(email, set()).add(is_suspicious)
    thieves = np.array([owners[email] == {True} for email in file.columns["email"].tolist()])
    fresh = file.columns["customer_id"].astype(np.int64) > SETTINGS.customers
    return {
        "ring": suspicious & fresh,
        "takeover": suspicious & ~fresh & thieves,
        "stolen": suspicious & ~fresh & ~thieves,
    }
