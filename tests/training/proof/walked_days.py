"""A daily review as a team would walk through it: one day after the other, in plain Python, without any shortcut."""

import numpy as np

from fraud_detection_api.training.proof.holdout_rows import HoldoutRows


def walked(rows: HoldoutRows, a_day: int) -> tuple[float, float]:
    """The share of frauds among the reviewed, and the share of the fraudulent that are found; no two scores tie."""
    assert rows.days is not None
    whose = (np.arange(len(rows)) if rows.entities is None else rows.entities).tolist()
    lines = list(zip(rows.days.tolist(), whose, rows.probabilities.tolist(), rows.labels.tolist(), strict=True))
    set_aside: set[int] = set()
    places = 0
    for day in sorted({line[0] for line in lines}):
        highest: dict[int, float] = {}
        fraudulent: set[int] = set()
        for _, card, probability, is_fraud in (line for line in lines if line[0] == day):
            if card in set_aside:
                continue
            highest[card] = max(probability, highest.get(card, 0.0))
            if is_fraud:
                fraudulent.add(card)
        chosen = sorted(highest, key=lambda card: highest[card], reverse=True)[:a_day]
        places += len(chosen)
        set_aside |= fraudulent.intersection(chosen)
    all_fraudulent = {card for _, card, _, is_fraud in lines if is_fraud}
    return len(set_aside) / max(places, 1), len(set_aside) / len(all_fraudulent)
