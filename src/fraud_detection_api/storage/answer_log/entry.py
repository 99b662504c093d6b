"""An answer as it lies in the spool: a head in JSON, then its columns as bytes, which cost the least to write."""

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Remembered, Texts
from fraud_detection_api.schemas.record import Kind, to_json
from fraud_detection_api.schemas.use_case import UseCase

_LENGTH = struct.Struct("<I")
_NO_IDENTIFIER = "places"
_NO_ANOMALY_SCORES: NDArray[np.float64] = np.empty(0)


class RecordForm(NamedTuple):
    """The fields of a use case as they were when an answer was given."""

    identifier: str | None
    fields: tuple[tuple[str, Kind], ...]
    histories: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()  # the features of its histories


class AnsweredRequest(NamedTuple):  # made before every answer, in a fifth of the time of a frozen dataclass
    """What one request was answered, and on `full` the records that it asked about."""

    use_case: str
    address: str
    request_id: str
    model_version: str
    answered_at: int  # nanoseconds since 1970
    scores: NDArray[np.float32]
    flagged: NDArray[np.bool_]
    identifiers: NDArray[np.int64] | list[str] | None
    numbers: NDArray[np.float64] | None = None
    texts: Mapping[str, Texts] = MappingProxyType({})
    anomaly_scores: NDArray[np.float64] = _NO_ANOMALY_SCORES
    remembered: Remembered | None = None  # on `full`, where the use case has histories

    @property
    def size(self) -> int:
        """How many records were answered."""
        return len(self.scores)

    @property
    def moment(self) -> datetime:
        """When it was answered, to the microsecond."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.answered_at // 1000)

    def keys(self, entry_id: str) -> list[str]:
        """What each record is known by: its identifier, else the request and the place in it."""
        if self.identifiers is None:
            request = self.request_id or entry_id
            return [f"{request}:{place}" for place in range(self.size)]
        return [str(key) for key in self.identifiers]

    def anomaly_scores_answered(self) -> list[float] | list[None]:
        """What lies behind the percentiles; nothing where scores are probabilities."""
        return self.anomaly_scores.tolist() or [None] * self.size

    def records(self, form: RecordForm) -> list[str | None]:
        """The records as JSON, or nothing for each of them on `scores`."""
        if self.numbers is None:
            return [None] * self.size
        fields = [each for each in form.fields if self.identifiers is not None or each[0] != form.identifier]
        names = [name for name, _ in fields]
        columns = [list(self._values(name, kind, form)) for name, kind in fields]
        return [orjson.dumps(dict(zip(names, values, strict=True))).decode() for values in zip(*columns, strict=True)]

    def histories(self, form: RecordForm) -> list[str | None]:
        """What histories said of each record, as JSON: features, and of each key the flags and the arrival there."""
        found = self.remembered
        if found is None:
            return [None] * self.size
        rows = zip(found.values.T.tolist(), found.flags.T.tolist(), found.received.T.tolist(), strict=True)
        return [
            orjson.dumps(
                {
                    "features": dict(zip(form.remembered, values, strict=True)),
                    "keys": {
                        name: {"flags": flag, "received": moment}
                        for name, flag, moment in zip(form.histories, flags, received, strict=True)
                    },
                }
            ).decode()
            for values, flags, received in rows
        ]

    def _values(self, name: str, kind: Kind, form: RecordForm) -> Iterator[str | int | float | bool | None]:
        if name == form.identifier and self.identifiers is not None:
            yield from self.identifiers if isinstance(self.identifiers, list) else self.identifiers.tolist()
        elif kind is Kind.CATEGORY:
            yield from self.texts[name]
        elif self.numbers is not None:
            features = [each for each, _ in form.fields if each != form.identifier]
            for number in self.numbers[features.index(name)].tolist():
                yield None if number != number else to_json(kind, number)  # noqa: PLR0124  # NaN: nothing was sent


def as_answered(scores: NDArray[np.float32]) -> list[float]:
    """Scores as a caller reads them in an answer: the shortest text of a float32, and not every bit behind it."""
    found: list[float] = orjson.loads(orjson.dumps(scores, option=orjson.OPT_SERIALIZE_NUMPY))
    return found


def packed(answer: AnsweredRequest) -> bytes:
    """The bytes of an answer."""
    blobs = [answer.scores.tobytes(), answer.flagged.tobytes(), answer.anomaly_scores.tobytes()]
    identifiers = answer.identifiers
    if identifiers is None:
        kind = _NO_IDENTIFIER
    elif isinstance(identifiers, list):
        kind = "texts"
        blobs.append(orjson.dumps(identifiers))
    else:
        kind = "numbers"
        blobs.append(identifiers.tobytes())
    if answer.numbers is not None:
        blobs += [answer.numbers.tobytes(), orjson.dumps(dict(answer.texts))]
    if answer.remembered is not None:
        blobs += [each.tobytes() for each in _parts(answer.remembered)]
    head = (
        answer.use_case,
        answer.address,
        answer.request_id,
        answer.model_version,
        answer.answered_at,
        kind,
        answer.scores.dtype.str,
        [len(blob) for blob in blobs],
    )
    text = orjson.dumps(head)
    return b"".join((_LENGTH.pack(len(text)), text, *blobs))


def unpacked(content: bytes) -> AnsweredRequest:
    """The answer that these bytes are of; raises ValueError where they are of none."""
    start = _LENGTH.size + _LENGTH.unpack_from(content)[0]
    head = orjson.loads(content[_LENGTH.size : start])
    use_case, address, request_id, model_version, answered_at, kind, score_type, lengths = head
    blobs: list[bytes] = []
    for length in lengths:
        blobs.append(content[start : start + length])
        start += length
    scores, flagged, anomaly_scores, *rest = blobs
    identifiers = None if kind == _NO_IDENTIFIER else _identifiers(kind, rest.pop(0))
    values = np.frombuffer(scores, dtype=score_type)
    numbers = np.frombuffer(rest[0]).reshape(-1, len(values)) if rest and len(values) else None
    texts = orjson.loads(rest[1]) if rest else {}
    return AnsweredRequest(
        use_case=use_case,
        address=address,
        request_id=request_id,
        model_version=model_version,
        answered_at=answered_at,
        scores=values,
        flagged=np.frombuffer(flagged, dtype=np.bool_),
        identifiers=identifiers,
        numbers=numbers,
        texts=texts,
        anomaly_scores=np.frombuffer(anomaly_scores),
        remembered=_remembered(rest[2:], len(values)),
    )


def _parts(remembered: Remembered) -> tuple[NDArray[np.generic], ...]:
    return remembered.values, remembered.flags, remembered.received


def _remembered(blobs: list[bytes], size: int) -> Remembered | None:
    if not blobs:
        return None
    values, flags, received = blobs
    return Remembered(
        np.frombuffer(values).reshape(-1, size),
        np.frombuffer(flags, np.uint8).reshape(-1, size),
        np.frombuffer(received, np.int64).reshape(-1, size),
    )


def packed_forms(use_cases: Mapping[str, UseCase]) -> bytes:
    """How the records of these use cases look, for whoever reads the spool after an update of the product."""
    forms = {name: form_of(use_case) for name, use_case in use_cases.items()}
    return orjson.dumps({name: tuple(form) for name, form in forms.items()})


def form_of(use_case: UseCase) -> RecordForm:
    """How its records look now."""
    fields = tuple((each.name, each.kind) for each in use_case.fields)
    if use_case.histories is None:
        return RecordForm(use_case.identifier, fields)
    names, remembered = use_case.histories.of, use_case.histories.features
    return RecordForm(
        use_case.identifier, fields, tuple(each.name for each in names), tuple(each.name for each in remembered)
    )


def unpacked_forms(content: bytes) -> dict[str, RecordForm]:
    """The forms that these bytes are of."""
    return {
        name: RecordForm(identifier, tuple((each, Kind(kind)) for each, kind in fields), *map(tuple, histories))
        for name, (identifier, fields, *histories) in orjson.loads(content).items()
    }


def _identifiers(kind: str, blob: bytes) -> NDArray[np.int64] | list[str]:
    if kind == "texts":
        texts: list[str] = orjson.loads(blob)
        return texts
    return np.frombuffer(blob, dtype=np.int64)
