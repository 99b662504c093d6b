"""What a run of the pipeline can be told: names, defaults and bounds, once for commands, HTTP and the journal."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, ClassVar, Final, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from fraud_detection_api.pipeline.step import Parameters, Scalar
from fraud_detection_api.run_errors import ParametersRefused

Number = int | float
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Many = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
TrainingRows = Annotated[int, Field(strict=True, ge=1_000, le=10**9)]


@dataclass(frozen=True, kw_only=True)
class TrainingParameters:
    """What a run can be told that starts from raw orders."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    use_case: Annotated[
        str, Field(strict=True, pattern="^[a-z][a-z0-9_]{0,62}$", description="The use case of the records")
    ] = "orders"
    seed: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1, description="Seed of everything that is drawn")] = 0
    partitions: Annotated[
        int,
        Field(
            strict=True, ge=1, le=4096, description="Partitions that orders are scattered to by the hash of each key"
        ),
    ] = 16
    gap_days: Annotated[
        int,
        Field(
            strict=True, ge=0, le=365, description="Days between training and validation, for labels that arrive late"
        ),
    ] = 14
    validation_share: Annotated[
        Share, Field(description="Share of the orders, the most recent ones, that judge the model")
    ] = 0.2
    most_validation_rows: Annotated[Many, Field(description="Orders that judge the model, at most")] = 250_000
    kept_non_frauds: Annotated[
        Share, Field(description="Share of the training orders without fraud that are trained on, each weighted for it")
    ] = 1.0
    most_training_rows: Annotated[
        TrainingRows,
        Field(description="Training rows, at most; those without fraud are then drawn at random and weighted for it"),
    ] = 2_000_000
    most_rows_alone: Annotated[
        TrainingRows, Field(description="Training rows that one process trains on; for more, Dask does")
    ] = 4_000_000
    skip_bad_rows: Annotated[
        bool, Field(strict=True, description="Leave out and count bad rows, instead of refusing them")
    ] = False
    least_average_precision: Annotated[
        Share, Field(description="Average precision below which no model is promoted")
    ] = 0.3


@dataclass(frozen=True, kw_only=True)
class RunParameters(TrainingParameters):
    """The parameters of a run; those of the sample count for nothing where raw orders are given."""

    files: Annotated[int, Field(strict=True, ge=1, le=1200, description="Files of sample orders, a month each")] = 12
    orders_per_file: Annotated[Many, Field(description="Sample orders in each file")] = 100_000
    customers: Annotated[Many, Field(description="Customers in the sample")] = 10_000
    emails: Annotated[Many, Field(description="E-mail addresses in the sample")] = 10_000
    addresses: Annotated[Many, Field(description="Home addresses in the sample")] = 10_000
    new_address_share: Annotated[Share, Field(description="Share of sample orders from a new address")] = 0.1

    def plain(self) -> dict[str, Scalar]:
        """Names and values, as the steps and the journal have them."""
        return asdict(self)


NAMES: Final = tuple(each.name for each in fields(RunParameters))
_CHECKED: Final = TypeAdapter(RunParameters)
_SCHEMAS: Final[Mapping[str, Mapping[str, Any]]] = _CHECKED.json_schema()["properties"]
_KINDS: Final = get_type_hints(RunParameters)


@dataclass(frozen=True)
class Described:
    """A parameter as it is shown: its kind, default, bounds and meaning."""

    kind: type[int] | type[float] | type[str] | type[bool]
    default: Number | str
    least: Number | None
    most: Number | None
    words: str


def described(name: str) -> Described:
    """One of the parameters."""
    schema = _SCHEMAS[name]
    bounds = schema.get("minimum"), schema.get("maximum")
    return Described(_KINDS[name], schema["default"], *bounds, schema["description"])


def parameters_of(values: Mapping[str, Scalar]) -> RunParameters:
    """Parameters from plain values, such as those of a journal; raises ParametersRefused."""
    try:
        return _CHECKED.validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        raise ParametersRefused(f"Parameter {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def needed_by(names: tuple[str, ...], parameters: Parameters) -> dict[str, Scalar]:
    """Those that a step's outputs depend on, in the order of their names."""
    return {name: parameters.get(name) for name in sorted(names)}
