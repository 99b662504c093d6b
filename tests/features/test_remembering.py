"""What is known of a table's rows is what a loop over lists finds, whoever reads them, in whatever order they stand."""

import json
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraud_detection_api.features.columns import Columns, Remembered
from fraud_detection_api.features.history_numpy import COLD
from fraud_detection_api.features.history_plan import MISSING
from fraud_detection_api.features.packed_records import packed_records
from fraud_detection_api.features.remembering import Arrivals, Remembering, labels_of
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.schemas.histories import Histories, History, Statistic, Window
from fraud_detection_api.schemas.histories import Remembered as Asked
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.tables.remembered import remembered_in
from tests.examples import records_of
from tests.features.remembered_payments import (
    MINUTE,
    PAYMENTS,
    Payment,
    by_day,
    by_hand,
    columns_of,
    payment,
    row_of,
    table_of,
)

DAYS = 24 * 60
LAST, COUNT, FRAUDS = "card_seconds_since_last", "card_count", "card_frauds"


@st.composite
def tables(draw: st.DrawFn) -> list[Payment]:
    """Payments of few customers and cards: some late, some at once, some twice, some without a key or an amount."""
    payments: list[Payment] = []
    for id_ in draw(st.permutations(range(draw(st.integers(1, 30))))):
        if payments and draw(st.integers(0, 9)) == 0:
            again = draw(st.sampled_from(payments))
            payments.append(replace(again, received=(again.received or again.happened) + draw(st.integers(1, 300))))
            continue
        happened = draw(st.integers(0, 12)) * draw(st.sampled_from((1, 40, 400)))
        row = row_of(
            id_,
            happened,
            customer=draw(st.sampled_from((None, 1, 2, 2**53 - 1))),
            card=draw(st.sampled_from((None, "1", "2", "\u4e2d\0", "a"))),
            is_online=draw(st.sampled_from((None, True, False))),
            amount=draw(st.none() | st.integers(-5_000_000, 5_000_000).map(lambda cents: cents / 100)),
            tip=draw(st.integers(0, 2)),
        )
        received = draw(st.none() | st.integers(-5, 900).map(lambda late: happened + late))  # noqa: B023
        known = draw(st.none() | st.integers(0, 2_000).map(lambda later: happened + later))  # noqa: B023
        payments.append(Payment(row, happened, received, known, draw(st.booleans())))
    return payments


def known_of(payments: list[Payment], use_case: UseCase = PAYMENTS) -> Remembered:
    """What is known of each payment of a table, as training finds it."""
    return remembered_in(table_of(payments, use_case), columns_of(payments, use_case), [], use_case)


def feature(remembered: Remembered, name: str, use_case: UseCase = PAYMENTS) -> list[float]:
    """The values of one feature."""
    assert use_case.histories
    names = [each.name for each in use_case.histories.features]
    values: list[float] = remembered.values[names.index(name)].tolist()
    return values


def bits(remembered: Remembered) -> tuple[bytes, bytes]:
    return np.ascontiguousarray(remembered.values).tobytes(), np.ascontiguousarray(remembered.flags).tobytes()


@pytest.mark.parametrize("goes_by", ["times", "days"])
@given(payments=tables())
def test_a_table_knows_what_a_loop_over_lists_finds(goes_by: str, payments: list[Payment]) -> None:
    use_case = PAYMENTS if goes_by == "times" else by_day(PAYMENTS)
    values, flags = by_hand(payments, use_case)
    found = known_of(payments, use_case)
    np.testing.assert_array_equal(found.values.T, np.array(values))
    np.testing.assert_array_equal(found.flags, np.array(flags))


@given(payments=tables(), random=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(payments: list[Payment], random: Random) -> None:
    order = list(range(len(payments)))
    random.shuffle(order)
    found, other = known_of(payments), known_of([payments[at] for at in order])
    assert bits(found.part(np.array(order, np.intp))) == bits(other)


@given(payments=tables(), secret=st.binary(max_size=80))
def test_neither_the_secret_nor_the_compiler_changes_anything(payments: list[Payment], secret: bytes) -> None:
    columns = columns_of(payments)
    arrived = np.array([each.happened if each.received is None else each.received for each in payments]) * MINUTE
    arrivals = Arrivals(arrived, labels_of(np.array([each.is_fraud for each in payments]), arrived))
    found = [
        Remembering(PAYMENTS, each, compiled=compiled).of_table(columns, arrivals)
        for each, compiled in ((b"", True), (secret, True), (secret, False))
    ]
    assert len({bits(each) for each in found}) == 1


def test_keys_and_values_are_hashes_that_the_secret_changes() -> None:
    columns = columns_of([payment(7)])
    one, same, other = (Remembering(PAYMENTS, secret).at_keys(columns) for secret in (b"a", b"a", b"b"))
    for history in range(len(one)):
        assert one[history].keys == same[history].keys != other[history].keys
    assert len({int(each.keys[0]) for each in one}) == len(one)


@given(payments=tables())
def test_json_and_tables_are_remembered_alike(payments: list[Payment]) -> None:
    rows = [each.row for each in payments]
    ways: list[Columns] = [columns_of(payments), RecordReader(PAYMENTS).columns(records_of(rows, PAYMENTS))]
    sent = RecordReader(PAYMENTS).read(json.dumps(rows).encode(), 1_000)
    ways += [sent] if sent else []
    remembering = Remembering(PAYMENTS, b"secret")
    kept = [[(at.keys.tobytes(), at.entries.tobytes()) for at in remembering.at_keys(way)] for way in ways]
    assert all(each == kept[0] for each in kept)


@given(payments=tables(), compiled=st.booleans())
def test_payments_are_packed_as_their_numbers_are_one_alone_as_among_many(
    payments: list[Payment], *, compiled: bool
) -> None:
    columns, remembering = columns_of(payments), Remembering(PAYMENTS, b"secret", compiled=compiled)
    numbers = zip(remembering.kernels, remembering.at_keys(columns), strict=True)
    many = [packed_records(kernel.layout, each.keys, each.entries) for kernel, each in numbers]
    assert remembering.packed(columns) == many
    for at in range(len(payments)):
        for alone, among in zip(remembering.packed(columns.part(at, at + 1)), many, strict=True):
            assert (alone.keys, alone.entries) == (among.keys[at : at + 1], among.entries[at : at + 1])


@given(secret=st.binary(max_size=80), cards=st.lists(st.text(max_size=600), max_size=3))
def test_long_texts_are_hashed_as_short_ones_are(secret: bytes, cards: list[str]) -> None:
    """Block by block; the length of each counts in characters where several are one key."""
    sent = [payment(id_, card=card + "x" * repeat) for id_, card in enumerate(cards) for repeat in (0, 128, 127, 256)]
    columns = columns_of(sent) if sent else columns_of([payment(1)])
    found = [Remembering(PAYMENTS, secret, compiled=compiled).packed(columns) for compiled in (True, False)]
    assert found[0] == found[1]


def test_a_payment_sees_only_what_happened_before_it_and_had_arrived() -> None:
    late = replace(payment(2, 10), received=60)
    found = known_of([payment(1, 0), late, payment(3, 20), payment(4, 60), payment(5, 61)])
    assert feature(found, COUNT) == [0, 1, 1, 3, 4]
    assert feature(found, LAST)[1:] == [600, 1200, 2400, 60]


def test_of_payments_at_once_the_one_with_the_smaller_id_came_first() -> None:
    found = known_of([payment(9), payment(-3), payment(4)])
    assert feature(found, COUNT) == [2, 0, 1]


def test_a_payment_that_comes_again_sees_what_it_saw_and_is_counted_once() -> None:
    again = replace(payment(1, 0), received=30)
    found = known_of([payment(1, 0), payment(2, 10), again, payment(3, 40)])
    assert feature(found, COUNT) == [0, 1, 0, 2]


def test_without_a_key_nothing_is_known() -> None:
    found = known_of([payment(1, 0, card=None), payment(2, 10, card=None)])
    assert feature(found, COUNT) == feature(found, "both_count") == [0, 0]
    assert feature(found, "customer_count") == [0, 1]
    assert found.flags[1].tolist() == [COLD, COLD]


def test_amounts_that_are_missing_are_counted_nowhere() -> None:
    found = known_of([payment(1, 0, amount=None), payment(2, 10, amount=30), payment(3, 20, amount=None)])
    assert feature(found, COUNT) == [0, 1, 2]
    assert feature(found, "card_mean_amount")[2] == 30
    assert np.isnan([feature(found, "card_mean_amount")[1], *feature(found, "card_ratio_amount")]).all()


def test_refunds_and_the_largest_amounts_add_up_to_the_hundredth() -> None:
    amounts = (50_000.0, -50_000.0, 49_999.99, -0.01, 0.1)
    found = known_of([payment(id_, id_, amount=amount) for id_, amount in enumerate(amounts)])
    assert feature(found, "card_sum_amount") == [0, 50_000, 0, 49_999.99, 49_999.98]
    assert feature(found, "card_smallest_amount")[4] == -50_000
    assert np.isnan(feature(found, "card_ratio_amount")[2])  # an average of nothing has no multiples


def test_several_fields_are_one_key_and_no_two_of_them_look_alike() -> None:
    one, other = payment(1, 0, card="1:a"), payment(2, 10, card="a")
    keys = [int(key) for key in Remembering(PAYMENTS).at_keys(columns_of([one, other]))[2].keys]
    assert len(set(keys)) == 2
    found = known_of([one, other, payment(3, 20, card="a")])
    assert feature(found, "both_count") == [0, 0, 1]


def test_an_identifier_that_is_a_key_is_known_by_all_of_its_digits() -> None:
    """Beyond 2**53 neighbouring whole numbers are the same as floats."""
    history = History("itself", ("payment_id",), (Asked(Statistic.COUNT),))
    use_case = replace(PAYMENTS, histories=Histories("paid_at", (history,)))
    found = Remembering(use_case).at_keys(columns_of([payment(2**53), payment(2**53 + 1)], use_case))
    assert found[0].keys[0] != found[0].keys[1]


@pytest.mark.parametrize(
    ("known", "seen"), [(19, [0, 0, 1, 1]), (20, [0, 0, 1, 1]), (21, [0, 0, 0, 1]), (None, [0] * 4)]
)
def test_a_fraud_changes_nothing_before_it_is_known(known: int | None, seen: list[float]) -> None:
    fraud = replace(payment(1, 0), known=known, is_fraud=True)
    found = known_of([fraud, payment(2, 10), payment(3, 20), payment(4, 30)])
    assert feature(found, FRAUDS) == seen


def test_a_label_counts_from_the_next_whole_minute_on() -> None:
    """A store keeps minutes, and a second too early would be a leak."""
    labels = labels_of(np.array([True, False, True]), np.array([MINUTE + 1, 2 * MINUTE, MISSING]))
    assert labels.tolist() == [4 * MINUTE + 1, 4 * MINUTE, MISSING]


def test_a_window_of_frauds_ends_when_they_begin_to_count() -> None:
    """With a delay of a week, the last day is the one a week ago."""
    asked = Asked(Statistic.FRAUDS, over=Window(days=1), delay_days=7)
    use_case = replace(
        PAYMENTS, histories=Histories("paid_at", (History("card", ("card",), (asked,)),), label_known_at="known_at")
    )
    fraud = replace(payment(1, 0), known=0, is_fraud=True)
    later = [
        payment(id_, days * DAYS + minutes) for id_, (days, minutes) in enumerate(((6, 0), (7, 0), (8, 0), (8, 1)), 2)
    ]
    found = known_of([fraud, *later], use_case)
    assert feature(found, "card_frauds_1_day_after_7_days", use_case) == [0, 0, 1, 1, 0]
