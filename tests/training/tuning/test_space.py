"""The space: documented as it is, and a start that boosts exactly as without tuning."""

import re
from dataclasses import replace

import pytest

from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.tuning.space import FOR_CATEGORIES, SPACE, Space
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.training.claims import CLAIMS
from tests.training.fitting import REPOSITORY

STARTS = [
    Boosting(),
    Boosting(rounds=77, depth=14, learning_rate=0.7, patience=0, seed=3, reg_alpha=20, max_cat_to_onehot=500),
]


@pytest.mark.parametrize("start", STARTS, ids=["default", "far out"])
def test_the_starts_own_point_boosts_as_the_start_does_and_lies_within(start: Boosting) -> None:
    space = Space.of(CLAIMS, start)
    assert space.boosting_at(space.start_point) == start
    assert all(each._contains(space.start_point[name]) for name, each in space.distributions.items())


def test_half_the_learning_rate_may_take_twice_the_rounds_and_patience() -> None:
    space = Space.of(CLAIMS, Boosting())
    slower = space.boosting_at(space.start_point | {"learning_rate": 0.05})
    assert slower == replace(Boosting(), learning_rate=0.05, rounds=600, patience=60)


@pytest.mark.parametrize(("patience", "kept"), [(0, 0), (1, 1)])
def test_no_patience_stays_none_and_some_stays_some(patience: int, kept: int) -> None:
    space = Space.of(CLAIMS, Boosting(patience=patience))
    assert space.boosting_at(space.start_point | {"learning_rate": 0.3}).patience == kept


def test_settings_for_categories_are_left_alone_where_there_are_none() -> None:
    assert set(Space.of(CREDIT_ACCOUNTS, Boosting()).spans) == set(SPACE)
    assert set(Space.of(CLAIMS, Boosting()).spans) == {*SPACE, *FOR_CATEGORIES}


def test_the_page_names_every_setting_with_its_bounds() -> None:
    page = (REPOSITORY / "docs" / "tuning.md").read_text()
    documented = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+ to [\d.]+)", page, re.MULTILINE))
    assert documented == {name: f"{span.low:g} to {span.high:g}" for name, span in (SPACE | FOR_CATEGORIES).items()}
