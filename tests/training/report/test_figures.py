"""The figures of a report against scikit-learn, SciPy and counting by hand."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import (  # type: ignore[import-untyped]  # it ships no types
    average_precision_score,
    precision_recall_curve,
    roc_curve,
)

from fraud_detection_api.schemas.judging import Costs
from fraud_detection_api.training.proof.consequences import consequences
from fraud_detection_api.training.proof.holdout_rows import Holdout, HoldoutRows
from fraud_detection_api.training.report.deciding import cost_curves
from fraud_detection_api.training.report.ranking import EVERY_CUT, curves, cuts_of
from fraud_detection_api.training.report.slices import distribution, groups, periods, reliability, wilson
from fraud_detection_api.training.tables.dataset import Groups

THRESHOLD = 0.4


def judged(rows: int = 5000, share: float = 0.2, *, ties: bool = False, days: int = 120) -> HoldoutRows:
    """Rows whose probabilities are true, with everything that may be known of them."""
    random = np.random.default_rng(rows)
    probabilities = random.beta(share * 4, (1 - share) * 4, rows)
    probabilities = np.round(probabilities, 1) if ties else probabilities
    return HoldoutRows(
        probabilities.astype(np.float32),
        random.random(rows) < probabilities,
        days=20_000 + random.integers(0, days, rows),
        entities=random.integers(0, rows // 4, rows),
        groups=Groups(("a", "b", "empty"), random.integers(0, 2, rows)),
        at_stake=random.uniform(1, 900, rows),
    )


@pytest.mark.parametrize("rows", [judged(), judged(200), judged(ties=True), judged(share=0.01)], ids=len)
def test_every_point_of_the_curves_is_scikit_learns(rows: HoldoutRows) -> None:
    found = curves(rows, cuts_of(rows, THRESHOLD))
    precision, recall, thresholds = precision_recall_curve(rows.labels, rows.probabilities)
    at = np.searchsorted(thresholds, found.thresholds)
    np.testing.assert_allclose(thresholds[at], found.thresholds)
    np.testing.assert_allclose(precision[at], found.precision)
    np.testing.assert_allclose(recall[at], found.recall)
    rate, true_rate, theirs = roc_curve(rows.labels, rows.probabilities, drop_intermediate=False)
    place = {float(value): number for number, value in enumerate(theirs)}
    at = np.array([place[value] for value in found.thresholds])
    np.testing.assert_allclose(rate[at], found.false_positive_rate)
    np.testing.assert_allclose(true_rate[at], found.recall)


def test_few_cuts_stand_for_many_and_the_threshold_is_one_of_them() -> None:
    rows = judged(100_000)
    cuts = cuts_of(rows, THRESHOLD)
    flagged = np.count_nonzero(rows.probabilities >= np.float32(THRESHOLD))
    assert len(cuts.thresholds) <= EVERY_CUT + 10
    assert flagged in cuts.flagged
    assert (cuts.flagged[-1], cuts.caught[-1]) == (100_000, np.count_nonzero(rows.labels))
    everywhere = precision_recall_curve(rows.labels, rows.probabilities)
    between = np.interp(everywhere[1], cuts.caught / cuts.caught[-1], cuts.caught / cuts.flagged)
    away = np.abs(between - everywhere[0])[everywhere[1] > 0.01]
    assert away.max() < 0.02


@pytest.mark.parametrize("entities", [True, False])
def test_bands_hold_the_curve_and_narrow_with_more_rows(entities: bool) -> None:
    widths = []
    for size in (2000, 32_000):
        rows = judged(size)
        rows = rows if entities else replace(rows, entities=None)
        found = curves(rows, cuts_of(rows, THRESHOLD))
        middle = np.searchsorted(found.recall, 0.5)
        assert found.precision_low[middle] < found.precision[middle] < found.precision_high[middle]
        assert found.recall_low[middle] < found.recall[middle] < found.recall_high[middle]
        widths.append(found.precision_high[middle] - found.precision_low[middle])
    assert widths[0] > 2.5 * widths[1]


def test_bands_are_wider_where_records_of_one_entity_go_together() -> None:
    rows = judged(2000)
    copied = np.repeat(np.arange(len(rows)), 9)
    copies = HoldoutRows(rows.probabilities[copied], rows.labels[copied], entities=copied)
    alone = replace(copies, entities=None)
    together, apart = (curves(each, cuts_of(each, THRESHOLD)) for each in (copies, alone))
    middle = np.searchsorted(together.recall, 0.5)
    widths = [each.precision_high[middle] - each.precision_low[middle] for each in (together, apart)]
    assert widths[0] > 2 * widths[1]


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (10, 10), (3, 17), (400, 9000)])
def test_intervals_of_shares_are_wilsons(hits: int, of: int) -> None:
    found, theirs = wilson(hits, of), binomtest(hits, of).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-7)
    assert wilson(0, 0) is None


@pytest.mark.parametrize("rows", [judged(), judged(150), judged(ties=True), judged(share=0.003, rows=20_000)], ids=len)
def test_bins_of_the_calibration_hold_every_record_once_and_divide_no_tie(rows: HoldoutRows) -> None:
    bins = reliability(rows)
    assert sum(each.rows for each in bins) == len(rows)
    assert sum(each.frauds for each in bins) == np.count_nonzero(rows.labels)
    for one, following in pairwise(bins):
        assert one.high < following.low
    for each in bins:
        inside = (rows.probabilities >= np.float32(each.low)) & (rows.probabilities <= np.float32(each.high))
        assert each.mean == pytest.approx(float(rows.probabilities[inside].mean(dtype=float)))
        assert each.observed.value == pytest.approx(float(rows.labels[inside].mean()))


@pytest.mark.parametrize("share", [0.2, 0.01])
def test_the_distribution_holds_all_of_each_class(share: float) -> None:
    found = distribution(judged(share=share))
    assert found.is_log == (share < 0.05)
    assert sum(found.honest) == pytest.approx(1)
    assert sum(found.frauds) == pytest.approx(1)


@pytest.mark.parametrize(
    ("days", "unit"), [(9, "day"), (40, "week"), (120, "month"), (1500, "quarter"), (9000, "year")]
)
def test_periods_are_as_long_as_the_data_allows(days: int, unit: str) -> None:
    rows = judged(days=days)
    found, parts = periods(rows, THRESHOLD)
    assert found == unit
    assert sum(each.rows for each in parts) == len(rows)
    assert [each.name for each in parts] == sorted(each.name for each in parts)


def test_a_month_is_that_of_the_calendar() -> None:
    rows = judged(days=120)
    assert rows.days is not None
    november = (rows.days >= 20_028) & (rows.days < 20_058)  # November 2024
    found = next(each for each in periods(rows, THRESHOLD)[1] if each.name == "2024-11")
    assert found.rows == np.count_nonzero(november)
    assert found.average_precision == pytest.approx(
        average_precision_score(rows.labels[november], rows.probabilities[november])
    )


def test_groups_are_counted_each_for_itself_and_empty_ones_left_out() -> None:
    rows = judged()
    assert rows.groups is not None
    found, left_out = groups(rows, THRESHOLD)
    assert {each.name for each in found} == {"a", "b"}
    assert left_out == 0
    first = next(each for each in found if each.name == "b")
    honest = (rows.groups.codes == 1) & ~rows.labels
    assert first.false_positive_rate is not None
    assert first.false_positive_rate.value == pytest.approx(float((rows.probabilities[honest] >= THRESHOLD).mean()))


def test_an_entity_is_caught_once_one_of_its_frauds_is_flagged() -> None:
    rows = HoldoutRows(
        np.array([0.9, 0.1, 0.2, 0.8, 0.7], np.float32),
        np.array([True, True, True, False, False]),
        entities=np.array([1, 1, 2, 2, 3]),
    )
    found = consequences(rows, 0.5, None).entities
    assert found is not None
    assert (found.all, found.fraudulent, found.caught) == (3, 2, 1)


def test_declared_costs_are_those_of_counting_by_hand() -> None:
    rows, costs = judged(), Costs("amount", 30.0, 4.0)
    assert rows.at_stake is not None
    cuts = cuts_of(rows, THRESHOLD)
    found = cost_curves(Holdout(judged(3000), rows), cuts, THRESHOLD, costs)
    assert found is not None
    without = rows.at_stake[rows.labels].sum()
    for threshold, share in list(zip(found.thresholds, found.shares[0], strict=True))[::40]:
        flagged = rows.probabilities >= np.float32(threshold)
        lost = rows.at_stake[rows.labels & ~flagged].sum()
        spent = 30 * np.count_nonzero(flagged & ~rows.labels) + 4 * np.count_nonzero(flagged & rows.labels)
        assert share == pytest.approx((lost + spent) / without)


def test_without_costs_ratios_are_shown_and_the_dearer_a_fraud_the_lower_the_threshold() -> None:
    rows = judged()
    found = cost_curves(Holdout(judged(3000), rows), cuts_of(rows, THRESHOLD), THRESHOLD, None)
    assert found is not None
    assert [each.false_alarms_a_fraud for each in found.choices] == [1, 10, 100]
    thresholds = [each.threshold or 1.0 for each in found.choices]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[1] == pytest.approx(1 / 11, abs=0.05)
    assert all(each.cost_share <= min(each.cost_share_now, 1) + 0.02 for each in found.choices)


def test_where_it_is_cheapest_to_flag_nothing_no_threshold_is_named() -> None:
    rows = judged()
    found = cost_curves(Holdout(rows, rows), cuts_of(rows, THRESHOLD), THRESHOLD, Costs(1.0, 1.0, caught_fraud=2.0))
    assert found is not None
    assert found.choices[0].threshold is None
    assert (found.choices[0].flagged_share, found.choices[0].cost_share) == (0, 1)
