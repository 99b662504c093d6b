"""The measures by name: which there are, which of them are better when lower, and how far they reach."""

from collections.abc import Iterable

import numpy as np

from fraud_detection_api.errors import DataRefused

RANKING = ("roc_auc", "average_precision", "recall_at_1_percent_fpr", "recall_at_5_percent_fpr")
REVIEW = ("precision_at_review_budget", "recall_at_review_budget")
FLAGGING = ("recall_at_threshold", "precision_at_threshold")
CALIBRATION = ("brier", "calibration_error", "log_loss")
MONEY = ("cost", "cost_per_record")  # only where a use case says what decisions cost

MEASURES = (*RANKING, *REVIEW, *FLAGGING, *CALIBRATION)
ALL_MEASURES = (*MEASURES, *MONEY)
LOWER_IS_BETTER = (*CALIBRATION, *MONEY)


def highest_possible(name: str) -> float:
    """What a measure can reach; the lowest is 0 for all of them."""
    return np.inf if name in ("log_loss", *MONEY) else 1.0


def refuse_unknown(names: Iterable[str], *, with_costs: bool) -> None:
    """Refuse names that are no measures, or measures that need costs which nobody has declared."""
    for name in names:
        if name not in ALL_MEASURES:
            raise DataRefused(f"There is no measure {name!r}; there are: {', '.join(ALL_MEASURES)}.")
        if name in MONEY and not with_costs:
            raise DataRefused(f"The measure {name} needs a use case with costs=Costs(...): declare them.")
