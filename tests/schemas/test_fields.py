"""Fields of a record: their kinds, names and bounds; a declaration that columns could not keep is refused."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from annotated_types import Ge
from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.record import LARGEST, Kind, Record, RecordField, fields_of
from fraud_detection_api.schemas.times import LAST_TIME


def declared(annotation: object, default: object = ..., *, config: ConfigDict | None = None) -> RecordField:
    """The one feature of a record, declared like this."""
    names: dict[str, object] = {"__module__": __name__, "__annotations__": {"value": annotation}}
    if default is not ...:
        names["value"] = default
    (field,) = fields_of(type("Declared", (Record,), names | ({"model_config": config} if config else {})))
    return field


class TestFields:
    @pytest.mark.parametrize(
        ("annotation", "kind", "optional"),
        [
            (int, Kind.INTEGER, False),
            (float, Kind.NUMBER, False),
            (bool, Kind.BOOLEAN, False),
            (str, Kind.CATEGORY, False),
            (Literal["a", "b"], Kind.CATEGORY, False),
            (date, Kind.DATE, False),
            (datetime, Kind.TIME, False),
            (datetime | None, Kind.TIME, True),
            (Annotated[float, Field(ge=0)], Kind.NUMBER, False),
            (float | None, Kind.NUMBER, True),
            (Annotated[int, Field(ge=0)] | None, Kind.INTEGER, True),
            (Annotated[str, StringConstraints(min_length=1)] | None, Kind.CATEGORY, True),
        ],
    )
    def test_are_of_the_kind_that_their_annotation_means(self, annotation: object, kind: Kind, optional: bool) -> None:
        field = declared(annotation, *([None] if optional else []))
        assert (field.kind, field.optional) == (kind, optional)

    @pytest.mark.parametrize(
        ("annotation", "field", "bounds"),
        [
            (int, Field(ge=1, le=5), (1, 5)),
            (int, Field(gt=1, lt=5), (2, 4)),
            (float, Field(ge=-1.5), (-1.5, LARGEST)),
            (float, Field(gt=0, lt=1), (5e-324, 0.9999999999999999)),
            (date, Field(ge=date(1970, 1, 2), lt=date(1970, 1, 5)), (1, 3)),
            (datetime, Field(gt=datetime(1970, 1, 1, tzinfo=UTC)), (1, LAST_TIME)),
            (Annotated[float, Field(ge=0)] | None, Field(default=None, le=2), (0, 2)),
        ],
    )
    def test_have_inclusive_bounds(self, annotation: object, field: object, bounds: tuple[float, float]) -> None:
        found = declared(annotation, field)
        assert (found.low, found.high) == bounds

    @pytest.mark.parametrize(
        "annotation", [list[int], bytes, int | str, Literal[1, 2], dict[str, int], complex, Record, object]
    )
    def test_of_unknown_types_are_refused(self, annotation: object) -> None:
        with pytest.raises(UseCaseInvalid, match="not supported"):
            declared(annotation)

    @pytest.mark.parametrize(
        ("annotation", "field"),
        [
            (float, 5.0),
            (float | None, 5.0),
            (float | None, Field()),
            (float | None, Field(default_factory=lambda: 3.0)),
        ],
    )
    def test_with_other_defaults_are_refused(self, annotation: object, field: object) -> None:
        with pytest.raises(UseCaseInvalid, match="no other defaults"):
            declared(annotation, field)

    @pytest.mark.parametrize(
        "field",
        [
            Field(validation_alias="other"),
            Field(serialization_alias="other"),
            Field(alias="one", serialization_alias="other"),
            Field(alias="one", validation_alias=AliasChoices("one", "other")),
            Field(alias=" "),
            Field(alias="two\nlines"),
        ],
    )
    def test_of_more_than_one_name_are_refused(self, field: object) -> None:
        with pytest.raises(UseCaseInvalid, match="JSON and tables have one name for it"):
            declared(float, field)

    def test_have_the_name_of_their_column(self) -> None:
        field = declared(float, Field(alias=" Amount [EUR] "))
        assert (field.name, field.attribute, field.description) == (" Amount [EUR] ", "value", " Amount [EUR] ")

    @pytest.mark.parametrize(
        "annotation",
        [
            Annotated[float, BeforeValidator(float)],
            Annotated[float, Field(multiple_of=3)],
            Annotated[float, Field(strict=False)],
            Annotated[str, AfterValidator(str.upper)],
            Annotated[str, StringConstraints(to_lower=True)],
            Annotated[str, StringConstraints(strip_whitespace=True)],
        ],
    )
    def test_with_limits_that_columns_do_not_know_are_refused(self, annotation: object) -> None:
        with pytest.raises(UseCaseInvalid, match="but not"):
            declared(annotation)

    def test_with_a_bound_that_is_no_number_are_refused(self) -> None:
        with pytest.raises(UseCaseInvalid, match="A bound is a number, a date, or a time"):
            declared(Annotated[float, Field(ge=Decimal("1.5"))])

    @pytest.mark.parametrize(
        ("annotation", "bound"),
        [
            (datetime, datetime(2024, 1, 1)),  # noqa: DTZ001  # that it has no zone is what is refused
            (datetime, datetime(2024, 1, 1, microsecond=1, tzinfo=UTC)),
            (datetime, date(2024, 1, 1)),
        ],
    )
    def test_with_a_bound_of_another_kind_are_refused(self, annotation: object, bound: object) -> None:
        with pytest.raises(UseCaseInvalid, match="A bound is a number, a date, or a time"):
            declared(Annotated[annotation, Ge(bound)])  # type: ignore[arg-type]  # wrong on purpose
