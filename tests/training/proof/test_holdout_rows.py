"""Holdout rows: what a bundle keeps of them is what they were, but for who an entity is."""

import numpy as np
import pytest

from fraud_detection_api.training.proof.holdout_rows import Holdout, HoldoutRows, holdout_bytes, holdout_of
from fraud_detection_api.training.tables.dataset import Groups


def rows(size: int, seed: int, *, bare: bool = False) -> HoldoutRows:
    random = np.random.default_rng(seed)
    probabilities, labels = random.random(size).astype(np.float32), random.random(size) < 0.2
    if bare:
        return HoldoutRows(probabilities, labels)
    groups = Groups(("north", "south"), random.integers(0, 2, size))
    return HoldoutRows(
        probabilities,
        labels,
        days=random.integers(19_000, 19_100, size),
        entities=random.integers(0, 30, size) * 1_000_003,
        groups=groups,
        at_stake=random.uniform(0, 1000, size).astype(np.float32).astype(np.float64),
    )


def known(of: HoldoutRows) -> dict[str, object]:
    """Everything but the entities, as plain lists."""
    numbers = {"probabilities": of.probabilities, "labels": of.labels, "days": of.days, "at_stake": of.at_stake}
    groups = of.groups and (of.groups.names, of.groups.codes.tolist())
    return {name: None if each is None else each.tolist() for name, each in numbers.items()} | {"groups": groups}


def test_everything_known_of_the_rows_comes_back() -> None:
    kept = Holdout(rows(70, 1), rows(130, 2))
    found = holdout_of(holdout_bytes(kept), ("north", "south"))
    assert known(found.threshold_rows) == known(kept.threshold_rows)
    assert known(found.validation_rows) == known(kept.validation_rows)


def test_entities_stay_apart_but_nobody_learns_who_they_are() -> None:
    kept = Holdout(rows(70, 1), rows(130, 2))
    found = holdout_of(holdout_bytes(kept), ("north", "south"))
    before = np.concatenate([kept.threshold_rows.entities, kept.validation_rows.entities])
    after = np.concatenate([found.threshold_rows.entities, found.validation_rows.entities])
    assert len(set(zip(before.tolist(), after.tolist(), strict=True))) == len(set(before.tolist()))
    assert len(set(after.tolist())) == len(set(before.tolist()))
    assert after.max() < len(after)


def test_what_a_use_case_does_not_have_stays_absent() -> None:
    found = holdout_of(holdout_bytes(Holdout(rows(5, 1, bare=True), rows(9, 2, bare=True))), ())
    for each in (found.threshold_rows, found.validation_rows):
        assert (each.days, each.entities, each.groups, each.at_stake) == (None, None, None, None)


def test_a_file_of_other_columns_is_refused() -> None:
    content = holdout_bytes(Holdout(rows(5, 1), rows(9, 2)))
    with pytest.raises(ValueError, match="holds"):
        holdout_of(content.replace(b"at_stake", b"at_steak"), ())
