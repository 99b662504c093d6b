"""False alarms by group: whether honest people of one group are suspected more often than those of another."""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.model.manifest import GateCheck
from fraud_detection_api.training.proof.holdout_rows import HoldoutRows
from fraud_detection_api.training.tables.dataset import Groups

LEAST_HONEST_ROWS = 100  # of a group, below which its rate is chance


def equal_false_alarms(rows: HoldoutRows, groups: Groups, threshold: float, most_ratio: float) -> GateCheck:
    """The highest false-positive rate of a group may be at most so many times the lowest.

    A group without a false alarm counts as if it had half of one: so small a group is no proof of any ratio.
    """
    name = "false alarms alike between groups"
    honest, alarms = _counted(rows, groups, threshold)
    large = np.flatnonzero(honest >= LEAST_HONEST_ROWS)
    small = [groups.names[group] for group in np.flatnonzero(honest < LEAST_HONEST_ROWS)]
    left_out = f"; fewer than {LEAST_HONEST_ROWS} honest rows and left out: {', '.join(small)}" if small else ""
    rates = {groups.names[group]: float(alarms[group] / honest[group]) for group in large}
    numbers = {f"rate of {group}": rate for group, rate in rates.items()}
    if len(large) < 2:
        why = f"fewer than two groups have enough honest rows to be compared{left_out}"
        return GateCheck(name=name, passed=True, detail=why, numbers=numbers | {"most": most_ratio})
    highest = max(rates, key=lambda group: rates[group])
    lowest = min(rates, key=lambda group: rates[group])
    at_least = float((np.maximum(alarms[large], 0.5) / honest[large]).min())
    ratio = max(rates[highest] / at_least, 1.0)
    return GateCheck(
        name=name,
        passed=ratio <= most_ratio,
        detail=f"the false-positive rate is {rates[highest]:.4f} in {highest} and {rates[lowest]:.4f} in {lowest}, "
        f"{ratio:.2f} times as high; it may be {most_ratio:g} times as high{left_out}",
        numbers=numbers | {"highest": rates[highest], "lowest": rates[lowest], "ratio": ratio, "most": most_ratio},
    )


def _counted(rows: HoldoutRows, groups: Groups, threshold: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The honest rows of each group, and the flagged ones among them."""
    honest = groups.codes[~rows.labels]
    alarmed = groups.codes[~rows.labels & (rows.probabilities >= np.float32(threshold))]
    return np.bincount(honest, minlength=len(groups.names)), np.bincount(alarmed, minlength=len(groups.names))
