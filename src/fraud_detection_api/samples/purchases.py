"""Sample purchases: users, gas stations and fills, seeded, with the shapes of the known tables and without labels.

10,000 users, 5 % of them premium; 50 gas stations with prices from N(5.2, 1.3), never below 0.5, of which 2 % are 10 to
20 dearer; 100,000 fills by anybody anywhere, of N(70, 20) litres, never below 1, of which 2 % are 500 to 800 more. Rows
are fills: more of them change neither users nor stations. Users whom no fill names have bought nothing.
"""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.grouped import grouped
from fraud_detection_api.samples.sample_table import GroupedSample
from fraud_detection_api.use_cases.purchases import PURCHASES

USERS, PREMIUM = 10_000, 0.05
STATIONS, DEAR, EXTRA_PRICE = 50, 0.02, (10, 20)
LARGE, EXTRA_LITERS = 0.02, (500, 800)


def purchases(rows: int, seed: int) -> GroupedSample:
    """Tables with that many fills, and what they come to for each user; the same seed gives the same tables."""
    random = np.random.default_rng(seed)
    users = {"user_id": np.arange(1, USERS + 1), "is_premium": _chosen(random, USERS, PREMIUM)}
    prices = np.maximum(random.normal(5.2, 1.3, STATIONS), 0.5)
    prices += _chosen(random, STATIONS, DEAR) * random.uniform(*EXTRA_PRICE, STATIONS)
    liters = np.maximum(random.normal(70, 20, rows), 1)
    liters += _chosen(random, rows, LARGE) * random.uniform(*EXTRA_LITERS, rows)
    stations = {"gas_station_id": np.arange(1, STATIONS + 1), "gasoline_price_per_litre": prices.round(3)}
    fills = {
        "transaction_id": np.arange(1, rows + 1),
        "user_id": random.integers(1, USERS + 1, rows),
        "gas_station_id": random.integers(1, STATIONS + 1, rows),
        "liters": liters.round(2),
    }
    tables = {"users": users, "gas_stations": stations, "transactions": fills}
    return GroupedSample(grouped(tables, PURCHASES), tables)


def _chosen(random: np.random.Generator, size: int, share: float) -> NDArray[np.bool_]:
    """A share of so many, to the nearest whole number, at random places."""
    return random.permutation(size) < round(share * size)
