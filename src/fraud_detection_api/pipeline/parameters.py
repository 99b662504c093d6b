"""What a run of the pipeline can be told: names, defaults and bounds, once for commands, HTTP and the journal."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from fraud_detection_api.pipeline.step import Parameters, Scalar
from fraud_detection_api.run_errors import ParametersRefused

Number = int | float
_LEAST, _MOST, _WORDS, _OF_SAMPLE = "least", "most", "words", "of_sample"


def _within(least: Number, most: Number, words: str, *, of_sample: bool = False) -> dict[str, Number | str]:
    return {_LEAST: least, _MOST: most, _WORDS: words, _OF_SAMPLE: of_sample}


def _share(words: str, *, of_sample: bool = False) -> dict[str, Number | str]:
    return _within(0.0, 1.0, words, of_sample=of_sample)


@dataclass(frozen=True, kw_only=True)
class RunParameters:
    """The parameters of a run; those of the sample count for nothing where raw orders are given."""

    seed: int = field(default=0, metadata=_within(0, 2**31 - 1, "Seed of everything that is drawn"))
    files: int = field(default=12, metadata=_within(1, 1_200, "Files of sample orders, a month each", of_sample=True))
    orders_per_file: int = field(
        default=100_000, metadata=_within(1, 10_000_000, "Sample orders in each file", of_sample=True)
    )
    customers: int = field(default=10_000, metadata=_within(1, 10_000_000, "Customers in the sample", of_sample=True))
    emails: int = field(
        default=10_000, metadata=_within(1, 10_000_000, "E-mail addresses in the sample", of_sample=True)
    )
    addresses: int = field(
        default=10_000, metadata=_within(1, 10_000_000, "Home addresses in the sample", of_sample=True)
    )
    new_address_share: float = field(
        default=0.1, metadata=_share("Share of sample orders from a new address", of_sample=True)
    )
    partitions: int = field(
        default=16, metadata=_within(1, 4_096, "Partitions that orders are scattered to by the hash of each key")
    )
    gap_days: int = field(
        default=14, metadata=_within(0, 365, "Days between training and validation, for labels that arrive late")
    )
    validation_share: float = field(
        default=0.2, metadata=_share("Share of the orders, the most recent ones, that judge the model")
    )
    kept_non_frauds: float = field(
        default=0.2, metadata=_share("Share of the orders without fraud that are trained on")
    )
    most_training_rows: int = field(
        default=2_000_000,
        metadata=_within(1_000, 1_000_000_000, "Training rows up to which one process trains; above it, Dask does"),
    )
    least_average_precision: float = field(
        default=0.3, metadata=_share("Average precision below which no model is promoted")
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            least, most = bounds(each.name)
            is_number = isinstance(value, int if isinstance(each.default, int) else Number)
            if not is_number or isinstance(value, bool) or not least <= value <= most:
                raise ParametersRefused(f"{each.name} is {value!r}; it has to be a number from {least:,} to {most:,}.")

    def plain(self) -> dict[str, Scalar]:
        """Names and values, as the steps and the journal have them."""
        return asdict(self)


_FIELDS: Final = {each.name: each for each in fields(RunParameters)}
NAMES: Final = tuple(_FIELDS)
NAMES_BESIDE_SAMPLE: Final = tuple(name for name, each in _FIELDS.items() if not each.metadata[_OF_SAMPLE])


def bounds(name: str) -> tuple[Number, Number]:
    """The least and the most that a parameter may be."""
    metadata = _FIELDS[name].metadata
    return metadata[_LEAST], metadata[_MOST]


def words_of(name: str) -> str:
    """What a parameter means."""
    words: str = _FIELDS[name].metadata[_WORDS]
    return words


def default_of(name: str) -> Number:
    """What a parameter is unless it is given."""
    default: Number = getattr(RunParameters(), name)
    return default


def parameters_of(values: Mapping[str, Scalar]) -> RunParameters:
    """Parameters from plain values, such as those of a journal; names that this version does not know are refused."""
    if unknown := sorted(values.keys() - _FIELDS.keys()):
        raise ParametersRefused(f"There is no parameter {', '.join(unknown)}; there are: {', '.join(NAMES)}.")
    given: Mapping[str, Any] = values
    return RunParameters(**given)


def needed_by(names: tuple[str, ...], parameters: Parameters) -> dict[str, Scalar]:
    """Those that a step's outputs depend on, in the order of their names."""
    return {name: parameters[name] for name in sorted(names)}
