"""A use case without an identifier or without a label, in an order without dates, made from other tables."""

import re
from dataclasses import replace
from datetime import date, datetime

import pytest
from pydantic import Field

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.histories import Histories, History, Remembered, Statistic
from fraud_detection_api.schemas.judging import Gate
from fraud_detection_api.schemas.learning import Supervised, Unsupervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.source_tables import SourceTable, SourceTables, Total
from fraud_detection_api.schemas.use_case import Rule, UseCase
from fraud_detection_api.use_cases.known import USE_CASES
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from fraud_detection_api.use_cases.purchases import PURCHASES


class Visit(Record):
    """A record of one number."""

    visit: int = Field(examples=[1])
    seconds: float = Field(examples=[12.5])


class Sender(Record):
    """Who sends."""

    sender_id: int = Field(examples=[1])


class Parcel(Record):
    """What is sent."""

    parcel_id: int = Field(examples=[1])
    sender_id: int = Field(examples=[1])
    depot_id: int = Field(examples=[1])
    kilos: float = Field(examples=[2.5])


class Depot(Record):
    """Where it is sent."""

    depot_id: int = Field(examples=[1])
    price: float = Field(examples=[4.5])
    name: str = Field(examples=["north"])


SENDERS, PARCELS = SourceTable("senders", Sender, key="sender_id"), SourceTable("parcels", Parcel, key="parcel_id")
DEPOTS = SourceTable("depots", Depot, key="depot_id")


def visits(**changes: object) -> UseCase:
    """Visits that nobody has labelled."""
    given = {"name": "visits", "title": "Visits", "record": Visit, "identifier": "visit", "learning": Unsupervised()}
    return UseCase(**(given | changes))  # type: ignore[arg-type]  # what is tried here is wrong on purpose


def record_of(annotation: object, example: object, default: object = ...) -> type[Record]:
    """A record with one feature beside its key."""
    fields: dict[str, object] = {
        "__module__": __name__,
        "__annotations__": {"visit": int, "value": annotation},
        "visit": Field(examples=[1]),
        "value": Field(examples=[example]) if default is ... else Field(default=default, examples=[example]),
    }
    return type("Declared", (Record,), fields)


class TestWithoutIdentifier:
    def test_every_field_is_a_feature(self) -> None:
        assert visits(identifier=None).feature_names == ("visit", "seconds")
        assert visits(identifier=None).identifier_field is None

    def test_a_single_field_is_enough(self) -> None:
        assert UseCase("senders", "", Sender, Unsupervised()).feature_names == ("sender_id",)

    def test_with_one_that_is_no_field_is_refused(self) -> None:
        with pytest.raises(UseCaseInvalid, match="the record has no field 'nobody' to identify it"):
            visits(identifier="nobody")

    def test_with_the_name_of_another_answer_is_refused(self) -> None:
        class Scored(Record):
            anomaly_score: int = Field(examples=[1])
            seconds: float = Field(examples=[1])

        with pytest.raises(UseCaseInvalid, match="the answer has a field 'anomaly_score' of its own"):
            visits(record=Scored, identifier="anomaly_score")
        with pytest.raises(UseCaseInvalid, match="the answer has a field 'anomaly_score' of its own"):
            visits(record=Scored, identifier=None)


class TestWithoutLabel:
    def test_scores_are_called_what_they_are(self) -> None:
        assert {each.name: each.score.name for each in USE_CASES} == {
            "credit_accounts": "fraud_probability",
            "card_transactions": "fraud_probability",
            "platform_activity": "anomaly_percentile",
            "purchases": "anomaly_percentile",
            "orders": "fraud_probability",
        }

    @pytest.mark.parametrize(
        ("annotation", "example", "default"),
        [(str, "web", ...), (date, "2024-01-31", ...), (float | None, 1.5, None), (bool | None, True, None)],
        ids=["text", "date", "may be missing", "boolean that may be missing"],
    )
    def test_every_feature_is_a_required_number(self, annotation: object, example: object, default: object) -> None:
        record = record_of(annotation, example, default)
        with pytest.raises(UseCaseInvalid, match="without a label, every feature is a required number"):
            visits(record=record)
        assert visits(record=record, learning=Supervised("is_fraud")).feature_names == ("value",)

    @pytest.mark.parametrize("annotation", [int, float, bool])
    def test_whole_numbers_and_booleans_are_numbers(self, annotation: object) -> None:
        assert visits(record=record_of(annotation, 1 if annotation is not bool else True)).label is None

    def test_nothing_is_there_to_judge(self) -> None:
        learning = visits().learning
        assert (learning.label, learning.costs, learning.gate, learning.columns) == (None, None, Gate(), {})

    def test_rules_hold_all_the_same(self) -> None:
        rule = Rule(fields=("seconds",), holds=lambda seconds: seconds > 0, message="")
        assert visits(rules=(rule,)).rules == (rule,)


class TestModels:
    def test_at_least_one_kind_is_named(self) -> None:
        with pytest.raises(UseCaseInvalid, match="name at least one kind of model"):
            visits(learning=Supervised("is_fraud", models=()))

    def test_rows_are_not_in_two_orders(self) -> None:
        with pytest.raises(UseCaseInvalid, match="in the order of days or of a number, not of both"):
            visits(learning=Supervised("is_fraud", time_column="seen_on", order_column="seconds"))

    def test_days_come_from_no_field_that_is_no_date(self) -> None:
        with pytest.raises(UseCaseInvalid, match="its time column 'seconds' is no date"):
            visits(learning=Supervised("is_fraud", time_column="seconds"))


class TestIsolation:
    @pytest.mark.parametrize("trees", [0, -1, 10_001])
    def test_with_no_or_countless_trees_is_refused(self, trees: int) -> None:
        with pytest.raises(UseCaseInvalid, match=f"has 1 to 10,000 trees, not {trees}"):
            Unsupervised(n_estimators=trees)

    @pytest.mark.parametrize("share", [0.0, -0.1, 0.51, 1.0, float("nan")])
    def test_of_a_share_that_scikit_learn_does_not_know_is_refused(self, share: float) -> None:
        with pytest.raises(UseCaseInvalid, match="Contamination is a share above 0 and up to"):
            Unsupervised(contamination=share)

    def test_of_the_contracts(self) -> None:
        assert PLATFORM_ACTIVITY.learning == Unsupervised(n_estimators=100, contamination=0.001, random_state=16)
        assert PURCHASES.learning == Unsupervised(n_estimators=100, contamination=None, random_state=0)


class TestSourceTables:
    def tables(self, **changes: object) -> SourceTables:
        given: dict[str, object] = {"entities": SENDERS, "events": PARCELS, "lookups": (DEPOTS,)}
        totals = (Total("kilos"), Total("paid", factors=("kilos", "price")))
        return SourceTables(**({"totals": totals} | given | changes))  # type: ignore[arg-type]  # wrong on purpose

    def test_name_those_first_that_others_refer_to(self) -> None:
        assert [table.name for table in self.tables().every] == ["senders", "depots", "parcels"]
        assert [total.name for total in self.tables().totals] == ["total_kilos", "total_paid"]

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"events": replace(PARCELS, key="nobody")}, "Table parcels: its key 'nobody' is no int field"),
            ({"events": replace(PARCELS, key="kilos")}, "Table parcels: its key 'kilos' is no int field"),
            ({"lookups": (replace(DEPOTS, key="name"),)}, "Table depots: its key 'name' is no int field"),
            ({"entities": SourceTable("visits", Visit, key="visit")}, "Table parcels: an event has no field visit"),
            ({"lookups": (SourceTable("visits", Visit, key="visit"),)}, "Table parcels: an event has no field visit"),
            ({"totals": (Total("miles"),)}, "A total is made from 'miles'"),
            ({"totals": (Total("paid", factors=("kilos", "miles")),)}, "A total is made from 'miles'"),
            ({"totals": (Total("depot_id"),)}, "A total is made from 'depot_id'"),
        ],
    )
    def test_that_do_not_fit_together_are_refused(self, wrong: dict[str, object], why: str) -> None:
        with pytest.raises(UseCaseInvalid, match=why):
            self.tables(**wrong)


class Delivery(Record):
    """A delivery that somebody may remember."""

    delivery_id: int = Field(examples=[1])
    courier: str = Field(examples=["kim"])
    kilos: float = Field(examples=[2.5], ge=0, le=1_000)
    left_at: datetime = Field(examples=["2024-05-31T12:30:00Z"])
    arrived_on: date | None = Field(default=None, examples=["2024-05-31"])


COUNT, FRAUDS = Remembered(Statistic.COUNT), Remembered(Statistic.FRAUDS)


def courier(*asked: Remembered, name: str = "courier") -> History:
    return History(name, ("courier",), asked or (COUNT,))


def deliveries(histories: Histories, **changes: object) -> UseCase:
    """Deliveries that remember something."""
    given = {"record": Delivery, "identifier": "delivery_id", "carried": ("courier", "left_at", "arrived_on")}
    learning = Supervised(label="is_lost", time_column="left_at")
    return visits(**given | {"name": "deliveries", "learning": learning, "histories": histories} | changes)


@pytest.mark.parametrize(
    ("histories", "why"),
    [
        (
            Histories("kilos", (courier(),)),
            "its histories go by 'kilos', which is no required date or time of the record",
        ),
        (Histories("arrived_on", (courier(),)), "its histories go by 'arrived_on', which is no required date or time"),
        (Histories("nowhere", (courier(),)), "its histories go by 'nowhere', which is no required date or time"),
        (Histories("left_at", ()), "its histories need names, each its own, of lower-case letters"),
        (
            Histories("left_at", (courier(), courier())),
            "two of its fields and derived values are named 'courier_count'",
        ),
        (Histories("left_at", (courier(name="The courier"),)), "its histories need names, each its own"),
        (Histories("left_at", (courier(),), "courier"), "'courier' is a field, and not a column of a table beside"),
        (Histories("left_at", (courier(FRAUDS),)), "FRAUDS of courier would count frauds at the moment they happen"),
        (
            Histories("left_at", (courier(Remembered(Statistic.LARGEST, "nothing")),)),
            "LARGEST is of 'nothing', which is no field of kind number or integer",
        ),
        (
            Histories("left_at", (History("courier", ("kilos",), (COUNT,)),)),
            "the key of courier is made of 'kilos', which is no field of kind category or integer or boolean",
        ),
    ],
)
def test_histories_that_cannot_be_are_refused(histories: Histories, why: str) -> None:
    with pytest.raises(UseCaseInvalid, match=re.escape(why)):
        deliveries(histories)


def test_without_an_identifier_nobody_knows_which_record_comes_again() -> None:
    with pytest.raises(UseCaseInvalid, match="its histories need an identifier"):
        deliveries(Histories("left_at", (courier(),)), identifier=None)


def test_without_a_label_no_fraud_is_ever_known() -> None:
    histories = Histories("left_at", (courier(FRAUDS),), label_known_at="found_on")
    with pytest.raises(UseCaseInvalid, match="count known frauds, and nothing says which records are: it has no label"):
        deliveries(histories, learning=Unsupervised(), carried=("courier", "left_at", "arrived_on"))


def test_histories_that_can_be_are_the_last_features() -> None:
    late = Remembered(Statistic.FRAUD_SHARE, delay_days=7)
    use_case = deliveries(Histories("left_at", (courier(COUNT, late),)))
    assert use_case.feature_names == ("kilos", "courier_count", "courier_fraud_share_after_7_days")
    assert use_case.features[1].description == "Number of earlier deliveries of this courier"
