"""Sample platform activity: seeded, dense clusters and a few anomalies, without labels.

Three kinds of account by mean and standard deviation: quiet ones around 20 and 4 (55 %), usual ones around 50 and 9
(33 %), lively ones around 85 and 14 (12 %). Within each kind the two rise together (correlation 0.6). One row in a
thousand is an anomaly: anything from -60 to 200 by 0 to 60. The default of 64,227 rows is that of the known table.
"""

import numpy as np

from fraud_detection_api.samples.sample_table import SampleTable

SHARES = (0.55, 0.33, 0.12)
CENTRES = np.array([[20.0, 4.0], [50.0, 9.0], [85.0, 14.0]])
SPREADS = np.array([[4.0, 0.6], [6.0, 1.2], [7.0, 1.8]])
CORRELATION, ANOMALIES = 0.6, 0.001
LOWEST, HIGHEST = (-60.0, 0.0), (200.0, 60.0)


def platform_activity(rows: int, seed: int) -> SampleTable:
    """A table of that many rows in no order; the same seed gives the same table."""
    random = np.random.default_rng(seed)
    kinds = random.choice(len(SHARES), rows, p=SHARES)
    first, second = random.standard_normal((2, rows))
    apart = np.column_stack([first, CORRELATION * first + np.sqrt(1 - CORRELATION**2) * second])
    figures = CENTRES[kinds] + SPREADS[kinds] * apart
    is_anomaly = random.permutation(rows) < round(ANOMALIES * rows)
    figures[is_anomaly] = random.uniform(LOWEST, HIGHEST, (np.count_nonzero(is_anomaly), 2))
    mean, sd = figures.T.round(4)
    return SampleTable({"mean": mean, "sd": np.abs(sd)})
