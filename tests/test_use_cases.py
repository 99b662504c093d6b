"""Every use case passes the battery; a declaration that contradicts itself is refused where it is made."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import numpy as np
import pytest
from pydantic import (
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from fraud_detection_api.errors import UnknownUseCase, UseCaseInvalid
from fraud_detection_api.schemas.derived import DayOfWeek, HourOfDay, Ratio
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import Rule, UseCase
from fraud_detection_api.use_cases.known import USE_CASES, all_use_cases, named
from tests.anomaly_checks import ANOMALY_CHECKS
from tests.checks import CHECKS
from tests.conftest import Shop
from tests.declared_use_cases import CARD_TAPS, DECLARED_HERE, EVERY_USE_CASE, LOAN_APPLICATIONS, WEB_ORDERS
from tests.reason_checks import REASON_CHECKS, UNEXPLAINED_CHECKS
from tests.schemas.test_fields import declared
from tests.small_libraries import library_of
from tests.subjects import Subject


def battery(use_case: UseCase) -> tuple[Callable[[Subject], None], ...]:
    """Every check that a use case has to pass, by what its models can say."""
    unlabelled = ANOMALY_CHECKS if use_case.label is None else ()
    return (*CHECKS, *unlabelled, *(REASON_CHECKS if library_of(use_case).pushed else UNEXPLAINED_CHECKS))


@pytest.mark.parametrize(
    ("check", "use_case"),
    [
        pytest.param(check, use_case, id=f"{check.__name__}-{use_case.name}")
        for use_case in EVERY_USE_CASE
        for check in battery(use_case)
    ],
)
def test_battery(check: Callable[[Subject], None], use_case: UseCase, shop: Shop, client: httpx.Client) -> None:
    check(Subject(use_case, client, shop.models[use_case.name], shop.versions[use_case.name]))


class TestRecord:
    def test_with_a_validator_of_its_own_is_refused(self) -> None:
        class Doubling(Record):
            key: int
            value: float

            @field_validator("value")
            @classmethod
            def double(cls, value: float) -> float:
                return 2 * value

        with pytest.raises(UseCaseInvalid, match="declare a Rule"):
            UseCase(name="doubling", title="", record=Doubling, learning=Supervised(label="label"), identifier="key")

    def test_with_a_rule_in_the_class_is_refused(self) -> None:
        class Ruled(Record):
            key: int
            value: float

            @model_validator(mode="after")
            def hold(self) -> "Ruled":
                return self

        with pytest.raises(UseCaseInvalid, match="declare a Rule"):
            UseCase(name="ruled", title="", record=Ruled, learning=Supervised(label="label"), identifier="key")

    @pytest.mark.parametrize(
        "config",
        [
            ConfigDict(strict=False),
            ConfigDict(extra="ignore"),
            ConfigDict(allow_inf_nan=True),
            ConfigDict(str_to_lower=True),
            ConfigDict(alias_generator=str.upper),
        ],
    )
    def test_that_takes_back_what_every_record_promises_is_refused(self, config: ConfigDict) -> None:
        with pytest.raises(UseCaseInvalid, match="changes what every record promises"):
            declared(float, config=config)


class TestUseCase:
    @pytest.mark.parametrize("name", ["", "Loans", "1loans", "loan-s", "../loans", "loans/", "a" * 64, "l\u00f6ans"])
    def test_with_a_bad_name_is_refused(self, name: str) -> None:
        with pytest.raises(UseCaseInvalid, match="a name is lower-case letters"):
            UseCase(name=name, title="", record=CARD_TAPS.record, learning=Supervised(label="label"), identifier="tap")

    @pytest.mark.parametrize(
        ("identifier", "label", "why"),
        [
            ("nobody", "label", "has no field 'nobody'"),
            ("amount", "label", "the identifier is a required int or str"),
            ("employer", "label", "the identifier is a required int or str"),
            ("application_id", "amount", "cannot be a field of the record"),
        ],
    )
    def test_with_a_bad_identifier_or_label_is_refused(self, identifier: str, label: str, why: str) -> None:
        with pytest.raises(UseCaseInvalid, match=why):
            UseCase(
                name="l",
                title="",
                record=LOAN_APPLICATIONS.record,
                learning=Supervised(label=label),
                identifier=identifier,
            )

    def test_without_a_feature_is_refused(self) -> None:
        class Lonely(Record):
            key: int

        with pytest.raises(UseCaseInvalid, match="no feature"):
            UseCase(name="lonely", title="", record=Lonely, learning=Supervised(label="label"), identifier="key")

    @pytest.mark.parametrize("examples", [[], ["many"], [-1]])
    def test_whose_example_does_not_work_is_refused(self, examples: list[object]) -> None:
        class Unexplained(Record):
            key: int = Field(examples=[1])
            value: float = Field(examples=examples, ge=0)

        with pytest.raises(
            UseCaseInvalid, match=r"every field needs examples=\[...\] that work; value: Input should be"
        ):
            UseCase(
                name="unexplained", title="", record=Unexplained, learning=Supervised(label="label"), identifier="key"
            )

    def test_whose_identifier_has_the_name_of_an_answer_is_refused(self) -> None:
        class Decided(Record):
            decision: int = Field(examples=[1])
            value: float = Field(examples=[1])

        with pytest.raises(UseCaseInvalid, match="the answer has a field 'decision' of its own"):
            UseCase(name="decided", title="", record=Decided, learning=Supervised(label="label"), identifier="decision")

    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"carried": ("nobody",)}, "it carries 'nobody', which is no field beside its identifier"),
            ({"carried": ("Order ID",)}, "it carries 'Order ID', which is no field"),
            ({"carried": ("email", "delivered_at")}, "float32 would round the time 'Ordered at' to minutes"),
            ({"derived": (HourOfDay("nobody"),)}, "is made from 'nobody', which is no field of kind time"),
            (
                {"derived": (HourOfDay("customer_since"),)},
                "is made from 'customer_since', which is no field of kind time",
            ),
            ({"derived": (DayOfWeek("customer_since", zone="Asia/Tokyo"),)}, "which is no field of kind time"),
            ({"derived": (Ratio("email", to="items"),)}, "which is no field of kind integer or number"),
            ({"derived": (DayOfWeek("Ordered at"),) * 2}, "two of its fields and derived values are named 'weekday_of"),
        ],
    )
    def test_whose_model_cannot_see_what_is_declared_is_refused(self, changed: dict[str, object], why: str) -> None:
        with pytest.raises(UseCaseInvalid, match=why):
            replace(WEB_ORDERS, **changed)  # type: ignore[arg-type]  # what is tried here is wrong on purpose

    @pytest.mark.parametrize("fields", [(), ("nobody",), ("purpose", "amount"), ("application_id", "amount")])
    def test_with_a_rule_between_other_things_than_numeric_features_is_refused(self, fields: tuple[str, ...]) -> None:
        rule = Rule(fields=fields, holds=lambda *columns: np.isfinite(columns[0]), message="")
        with pytest.raises(UseCaseInvalid, match="a rule is between numeric fields"):
            UseCase("l", "", LOAN_APPLICATIONS.record, Supervised("label"), "application_id", rules=(rule,))


class TestImportStrings:
    def test_add_use_cases_to_the_built_in_ones(self) -> None:
        found = all_use_cases(DECLARED_HERE.split(","))
        assert list(found) == [use_case.name for use_case in EVERY_USE_CASE]
        assert list(all_use_cases()) == [use_case.name for use_case in USE_CASES]

    @pytest.mark.parametrize(
        ("import_string", "why"),
        [
            ("no_such_package:LOANS", "cannot be imported"),
            ("tests.declared_use_cases:NO_SUCH_NAME", "cannot be imported"),
            ("tests.declared_use_cases", "cannot be imported"),
            (":LOANS", "cannot be imported"),
            ("..:LOANS", "cannot be imported"),
            ("tests.declared_use_cases:LoanApplication", "is not a UseCase"),
        ],
    )
    def test_that_point_nowhere_are_refused(self, import_string: str, why: str) -> None:
        with pytest.raises(UseCaseInvalid, match=why):
            all_use_cases([import_string])

    def test_of_a_name_that_is_taken_are_refused(self) -> None:
        with pytest.raises(UseCaseInvalid, match="Two use cases are named 'card_taps'"):
            all_use_cases(["tests.declared_use_cases:CARD_TAPS"] * 2)

    def test_an_unknown_name_is_answered_with_the_known_ones(self) -> None:
        with pytest.raises(UnknownUseCase, match="there are: credit_accounts"):
            named("loans", all_use_cases())
