"""Judged rows: what a bundle keeps of them is what they were, but for who an entity is."""

import numpy as np
import pytest

from fraud_detection_api.training.proof.judged_rows import Judged, JudgedRows, judged_bytes, judged_of
from fraud_detection_api.training.tables.dataset import Groups


def rows(size: int, seed: int, *, bare: bool = False) -> JudgedRows:
    random = np.random.default_rng(seed)
    probabilities, labels = random.random(size).astype(np.float32), random.random(size) < 0.2
    if bare:
        return JudgedRows(probabilities, labels)
    groups = Groups(("north", "south"), random.integers(0, 2, size))
    return JudgedRows(
        probabilities,
        labels,
        days=random.integers(19_000, 19_100, size),
        entities=random.integers(0, 30, size) * 1_000_003,
        groups=groups,
        at_stake=random.uniform(0, 1000, size).astype(np.float32).astype(np.float64),
    )


def known(of: JudgedRows) -> dict[str, object]:
    """Everything but the entities, as plain lists."""
    numbers = {"probabilities": of.probabilities, "labels": of.labels, "days": of.days, "at_stake": of.at_stake}
    groups = of.groups and (of.groups.names, of.groups.codes.tolist())
    return {name: None if each is None else each.tolist() for name, each in numbers.items()} | {"groups": groups}


def test_everything_known_of_the_rows_comes_back() -> None:
    kept = Judged(rows(70, 1), rows(130, 2))
    found = judged_of(judged_bytes(kept), ("north", "south"))
    assert known(found.choosing) == known(kept.choosing)
    assert known(found.judging) == known(kept.judging)


def test_entities_stay_apart_but_nobody_learns_who_they_are() -> None:
    kept = Judged(rows(70, 1), rows(130, 2))
    found = judged_of(judged_bytes(kept), ("north", "south"))
    before = np.concatenate([kept.choosing.entities, kept.judging.entities])
    after = np.concatenate([found.choosing.entities, found.judging.entities])
    assert len(set(zip(before.tolist(), after.tolist(), strict=True))) == len(set(before.tolist()))
    assert len(set(after.tolist())) == len(set(before.tolist()))
    assert after.max() < len(after)


def test_what_a_use_case_does_not_have_stays_absent() -> None:
    found = judged_of(judged_bytes(Judged(rows(5, 1, bare=True), rows(9, 2, bare=True))), ())
    for each in (found.choosing, found.judging):
        assert (each.days, each.entities, each.groups, each.at_stake) == (None, None, None, None)


def test_a_file_of_other_columns_is_refused() -> None:
    content = judged_bytes(Judged(rows(5, 1), rows(9, 2)))
    with pytest.raises(ValueError, match="holds"):
        judged_of(content.replace(b"at_stake", b"at_steak"), ())
