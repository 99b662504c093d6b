"""Answers as bytes: short, full, in a use case's own words, or whether a vector is one of the usual ones."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import zip_longest

import numpy as np
import orjson
from numpy.typing import NDArray

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.validated import Slot
from fraud_detection_api.model.scorer import Scorer, Scores
from fraud_detection_api.schemas.address import (
    Address,
    AnswerForm,
    BodyForm,
    OwnAnswer,
    RecordScore,
    Unknown,
)
from fraud_detection_api.schemas.answers import FLAGGED, PASSED, Warned
from fraud_detection_api.schemas.reasons import JUST_SCORES, Question, ReasonsQuery
from fraud_detection_api.schemas.use_case import UNKNOWN_FIELDS, UseCase
from fraud_detection_api.services.reasons import Reasons
from fraud_detection_api.services.sent_values import SentValues
from fraud_detection_api.services.unknown import unknown_of

INLIER, OUTLIER = 1, -1
AT_ONCE = 4_096  # records: the texts that an answer is made of take several times its bytes
EXPLAINED_AT_ONCE = 128  # their reasons are 60 to 600 KB
LONG = 160  # bytes of a record's answer, from which on it has warnings or reasons: the same words again and again

Fields = Mapping[str, list[str]]


@dataclass(frozen=True)
class Scored:
    """Records, and what the model that was served at that moment says of them."""

    use_case: UseCase
    columns: Columns
    scorer: Scorer
    scores: Scores

    def __len__(self) -> int:
        return len(self.columns)

    def part(self, start: int, stop: int) -> "Scored":
        """Some neighbouring records."""
        return replace(self, columns=self.columns.part(start, stop), scores=self.scores.part(start, stop))


@dataclass(frozen=True)
class LongAnswer:
    """The answer to many records in parts, long-winded ones compressed until they are sent.

    A record of 120 bytes may get 3 KB of reasons. So an answer never takes more memory than the records did,
    and it is complete before its first byte is sent.
    """

    size: int
    parts: tuple[tuple[bytes, bool], ...]  # and whether it is compressed

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        return (zlib.decompress(part) if compressed else part for part, compressed in self.parts)


Content = bytes | LongAnswer
AnswerWriter = Callable[[Scored, Question], Content]
Observer = Callable[[Scored], None]


def whole(content: Content) -> bytes:
    """An answer in one piece."""
    return content if isinstance(content, bytes) else b"".join(content)


def short_answer(scored: Scored, _: Question = JUST_SCORES) -> Content:
    """Identifier and score of each record."""
    return _listed(scored, lambda part: _rows(dict(_scores(part)), len(part)))


def full_answer(scored: Scored, question: Question = JUST_SCORES, reasons: Reasons | None = None) -> Content:
    """Identifier, score, decision, warnings and model version of each record, and reasons where they are asked for."""
    at_once = EXPLAINED_AT_ONCE if question.reasons and reasons else AT_ONCE
    return _listed(scored, lambda part: _rows(_full(part, question.reasons, reasons), len(part)), at_once)


def inlier_answer(scored: Scored, question: Question = JUST_SCORES) -> bytes:
    """Whether a record is one of the usual ones, and its score under the documented misspelling as well."""
    inlier = {"is_inlier": OUTLIER if scored.scores.flagged[0] else INLIER}
    score = next(iter(scored.scores.anomaly_scores), None)
    return _json(inlier | {"anomaly_score": score, "anomoly_score": score} if question.anomaly_score else inlier)


class OwnWriter:
    """Each record's answer in a use case's own words."""

    def __init__(self, use_case: UseCase, own: OwnAnswer) -> None:
        self._own = own
        self._record, self._features = SentValues(use_case.inputs), SentValues(use_case.features)

    def __call__(self, scored: Scored, _: Question = JUST_SCORES) -> Content:
        return _listed(scored, self._rows)

    def only(self, scored: Scored, _: Question = JUST_SCORES) -> bytes:
        """The answer to one record."""
        return _json(self._own.write(self._record_scores(scored)[0]))

    def _rows(self, scored: Scored) -> bytes:
        return _json([self._own.write(each) for each in self._record_scores(scored)])[1:-1]

    def _record_scores(self, scored: Scored) -> list[RecordScore]:
        scores, scorer, columns = scored.scores, scored.scorer, scored.columns
        threshold = np.float32(scorer.manifest.threshold)  # as it decides
        unknown = unknown_of(columns.record, scored.use_case) or [Unknown()] * len(scored)
        keys, name = _plain_keys(scored), scored.use_case.identifier
        return [
            RecordScore(
                key,
                scores.values[row],
                bool(scores.flagged[row]),
                threshold,
                anomaly_score,
                scorer.version,
                partial(self._record.of_row, columns.record, row, {} if name is None else {name: key}),
                partial(self._features.of_row, columns, row),
                unknown[row],
            )
            for row, (key, anomaly_score) in enumerate(zip_longest(keys, scores.anomaly_scores))
        ]


def writer_of(address: Address, use_case: UseCase, slot: Slot) -> AnswerWriter:
    """What writes the answers of an address."""
    match address.answer:
        case AnswerForm.INLIER:
            return inlier_answer
        case AnswerForm.SHORT:
            write: AnswerWriter = short_answer
        case AnswerForm.FULL:
            write = partial(full_answer, reasons=Reasons(use_case, slot))
        case own:
            writer = OwnWriter(use_case, own)
            return writer if address.reads is BodyForm.RECORDS else writer.only
    return write if address.reads is BodyForm.RECORDS else partial(_only, write=write)


def _only(scored: Scored, question: Question, write: AnswerWriter) -> bytes:
    """The answer to one record without the list around it."""
    return whole(write(scored, question))[1:-1]


def _plain_keys(scored: Scored) -> Sequence[int | str | None]:
    if scored.use_case.identifier is None:
        return [None] * len(scored)
    identifiers = scored.columns.identifiers
    return identifiers if isinstance(identifiers, list) else identifiers.tolist()


def _full(scored: Scored, query: ReasonsQuery | None, reasons: Reasons | None) -> Fields:
    size, version = len(scored), f'"{scored.scorer.version}"'
    more = {}
    if query and reasons:
        more["reasons"] = reasons.texts(scored.columns, scored.scorer, scored.scores.flagged, query)
    return {
        **dict(_scores(scored)),
        "decision": [f'"{FLAGGED if flagged else PASSED}"' for flagged in scored.scores.flagged.tolist()],
        "warnings": _warnings(scored.scorer.warnings(scored.columns), size),
        "model_version": [version] * size,
        **more,
        **_unknown(scored),
    }


def _unknown(scored: Scored) -> Fields:
    """What was not known of each record, where the use case has histories."""
    found = unknown_of(scored.columns.record, scored.use_case)
    if found is None:
        return {}
    texts = [_unknown_texts(each) for each in found]
    return {name: [each[place] for each in texts] for place, name in enumerate(UNKNOWN_FIELDS)}


@lru_cache(maxsize=4096)
def _unknown_texts(unknown: Unknown) -> tuple[str, str, str]:
    lists = [_json(each).decode() for each in (unknown.cold_start, unknown.truncated)]
    return lists[0], lists[1], "true" if unknown.is_degraded else "false"


def _listed(scored: Scored, rows: Callable[[Scored], bytes], at_once: int = AT_ONCE) -> Content:
    """A JSON list of the records, some at a time."""
    size = len(scored)
    if size <= at_once:
        return b"[%b]" % rows(scored)
    parts, total = [], 0
    for start in range(0, size, at_once):
        part = scored.part(start, min(start + at_once, size))
        text = (b"," if start else b"[") + rows(part) + (b"" if start + at_once < size else b"]")
        is_long = len(text) > LONG * len(part)
        parts.append((zlib.compress(text, zlib.Z_BEST_SPEED) if is_long else text, is_long))
        total += len(text)
    return LongAnswer(total, tuple(parts))


def _scores(scored: Scored) -> Iterator[tuple[str, list[str]]]:
    if scored.use_case.identifier is not None:
        yield scored.use_case.identifier, _keys(scored.columns)
    for name, numbers in scored.scores.by_field.items():
        yield name, _numbers(numbers)


def _rows(fields: Fields, size: int) -> bytes:
    # names and values laid in turn by slices and joined once: a quarter of the time of one template a row
    step = 2 * len(fields)
    parts = [""] * (size * step)
    for position, (name, values) in enumerate(fields.items()):
        parts[2 * position :: step] = [f',"{name}":' if position else f'}},{{"{name}":'] * size
        parts[2 * position + 1 :: step] = values
    return f"{''.join(parts)[2:]}}}".encode() if size else b""


def _json(content: object) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _keys(columns: Columns) -> list[str]:
    if isinstance(columns.identifiers, list):
        return [orjson.dumps(key).decode() for key in columns.identifiers]
    return _numbers(columns.identifiers)


def _numbers(values: Sequence[float] | NDArray[np.generic]) -> list[str]:
    # one call for all: the shortest text that reads back as the same number
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()
    return text.split(",") if text else []


def _warnings(found: dict[int, list[Warned]], size: int) -> list[str]:
    texts = ["[]"] * size
    for row, warned in found.items():
        texts[row] = orjson.dumps(warned).decode()
    return texts
