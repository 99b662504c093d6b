"""Sample credit accounts: seeded, in the shapes of the known table, with a documented fraud pattern.

Open accounts 2-19, accounts in arrears 1-6 (never more than are open), limits 500-16,500 and balances 585-14,747 that
rise together, snapshots on every day of 2024 and 2025, about 12 % fraud. The log-odds of fraud are

    -2.4 + 1.1 (arrears - 3) - 0.25 (open accounts - 10.5) + 1.1 ln(balance / limit)

held between -8 and 4; a coin with that probability makes the flag, so that the best possible ROC AUC is known:
0.845 for the default 50,000 rows and seed 1. A trained model should come within about 0.01 of it.
"""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.samples.sample_table import LabelledSample

FIRST_DAY, DAYS = np.datetime64("2024-01-01", "D"), 731


def credit_accounts(rows: int, seed: int) -> LabelledSample:
    """A table of that many rows in the order of their days; the same seed gives the same table."""
    random = np.random.default_rng(seed)
    open_accounts = random.integers(2, 20, rows)
    arrears = np.minimum(1 + random.binomial(5, 0.4, rows), open_accounts)
    limit, balance = _limits_and_balances(random, rows)
    log_odds = -2.4 + 1.1 * (arrears - 3) - 0.25 * (open_accounts - 10.5) + 1.1 * np.log(balance / limit)
    probabilities = _logistic(np.clip(log_odds, -8, 4))
    columns = {
        "customer_id": 100_000 + random.permutation(rows),
        "snapshot_date": FIRST_DAY + np.sort(random.integers(0, DAYS, rows)),
        "number_of_open_accounts": open_accounts,
        "total_credit_limit": limit,
        "total_balance": balance,
        "number_of_accounts_in_arrears": arrears,
        "fraud_flag": (random.random(rows) < probabilities).astype(np.int64),
    }
    return LabelledSample(columns, probabilities)


def _limits_and_balances(random: "np.random.Generator", rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    wealth, habit = random.standard_normal((2, rows))
    limit = 500 + 16_000 * _logistic(1.2 * wealth)
    balance = 585 + 14_162 * _logistic(1.2 * (0.6 * wealth + 0.8 * habit) - 0.5)
    return limit.round(2), balance.round(2)


def _logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-log_odds))
