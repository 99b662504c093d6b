"""Sample card transactions: seeded, in the columns of the public data set, with a documented fraud pattern.

Time runs over two days, in whole seconds, with few payments around three at night and most in the afternoon. V1 to V28
have no correlation, standard deviations that fall from 1.96 to 0.33 as those of principal components do, and heavy
tails (Student's t with 5 degrees of freedom). Amounts are log-normal, with a median of 22 and a mean of about 88. One
payment in 170 is of a suspicious kind: at any hour, with a median of 9, with V10, V12, V14 and V17 lower and V4 and V11
higher, each by as many standard deviations as one gamma variable says. Suspicion is no fraud yet: the log-odds are

    -10.5 + 0.55 (a10 + a12 + 1.5 a14 + a17 + 0.8 a4 + 0.8 a11) + 0.8 before six at night - 0.3 ln(1 + Amount / 22)

where a component's a is how many standard deviations it lies on the side of fraud (below zero for V10, V12, V14, V17,
above it for V4 and V11), held between 0 and 5; the log-odds are held below 4. A coin with that probability makes Class:
about 0.17 % are frauds, and the best possible ROC AUC is known: 0.983 for the default 100,000 rows and seed 1.
"""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.samples.sample_table import LabelledSample

DAY, SECONDS, HIGHEST_AMOUNT = 86_400, 172_793, 25_691.16
DEVIATIONS = np.geomspace(1.96, 0.33, 28)
SUSPICIOUS = 1 / 170
SIDES = {4: 1, 10: -1, 11: 1, 12: -1, 14: -1, 17: -1}  # where fraud lies: above zero or below
WEIGHTS = {4: 0.8, 10: 1, 11: 0.8, 12: 1, 14: 1.5, 17: 1}

Floats = NDArray[np.float64]


def card_transactions(rows: int, seed: int) -> LabelledSample:
    """A table of that many rows in the order of their times; the same seed gives the same table."""
    random = np.random.default_rng(seed)
    is_suspicious = random.permutation(rows) < round(SUSPICIOUS * rows)
    times = _times(random, is_suspicious)
    in_order = np.argsort(times, kind="stable")
    times, is_suspicious = times[in_order], is_suspicious[in_order]
    components = _components(random, is_suspicious)
    medians, spreads = np.where(is_suspicious, 9, 22), np.where(is_suspicious, 2, 1.665)
    amounts = np.minimum(medians * np.exp(spreads * random.standard_normal(rows)), HIGHEST_AMOUNT).round(2)
    probabilities = 1 / (1 + np.exp(-np.minimum(_log_odds(times, components, amounts), 4)))
    columns = {
        "Time": times,
        **{f"V{number}": values for number, values in enumerate(components, 1)},
        "Amount": amounts,
        "Class": (random.random(rows) < probabilities).astype(np.int64),
    }
    return LabelledSample(columns, probabilities)


def _times(random: np.random.Generator, is_suspicious: NDArray[np.bool_]) -> Floats:
    """Suspicious payments keep no hours."""
    busy = 0.55 - 0.45 * np.cos(2 * np.pi * (np.arange(SECONDS) / DAY - 3 / 24))
    reached = np.cumsum(busy) / busy.sum()
    drawn = random.random(len(is_suspicious))
    return np.where(is_suspicious, np.floor(drawn * SECONDS), np.searchsorted(reached, drawn)).astype(np.float64)


def _components(random: np.random.Generator, is_suspicious: NDArray[np.bool_]) -> Floats:
    """Student's t has a variance of 5/3 with 5 degrees of freedom."""
    components: Floats = random.standard_t(5, (len(DEVIATIONS), len(is_suspicious))) * np.sqrt(3 / 5)
    severity = random.gamma(4, 0.6, len(is_suspicious)) * is_suspicious
    for number, side in SIDES.items():
        components[number - 1] += side * severity
    components *= DEVIATIONS[:, np.newaxis]
    return components.round(6)


def _log_odds(times: Floats, components: Floats, amounts: Floats) -> Floats:
    suspicion = np.zeros(len(times))
    for number, weight in WEIGHTS.items():
        suspicion += weight * _on_the_side_of_fraud(components, number)
    is_night = times % DAY < DAY / 4
    log_odds: Floats = -10.5 + 0.55 * suspicion + 0.8 * is_night - 0.3 * np.log1p(amounts / 22)
    return log_odds


def _on_the_side_of_fraud(components: Floats, number: int) -> Floats:
    held: Floats = np.clip(SIDES[number] * components[number - 1] / DEVIATIONS[number - 1], 0, 5)
    return held
