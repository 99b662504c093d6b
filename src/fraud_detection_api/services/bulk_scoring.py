"""Bulk scoring: a file of records in, a file of scores out, whole or not at all, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.brought import (
    brought,
    columns_to_bring,
    problems_of_brought,
    refuse_without_histories,
)
from fraud_detection_api.features.check import RecordCheck
from fraud_detection_api.features.columns import Columns, Numbers
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.tables import UNITS, RawColumn, RawTable, columns_of_table
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.problems import Problem
from fraud_detection_api.schemas.answers import FLAGGED, PASSED
from fraud_detection_api.schemas.reasons import ReasonsQuery
from fraud_detection_api.schemas.record import Kind, RecordField
from fraud_detection_api.schemas.times import as_moments
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.reasons import Reasons
from fraud_detection_api.storage.files import opened, table_writer
from fraud_detection_api.storage.formats.batch import Batch
from fraud_detection_api.storage.formats.known import format_of
from fraud_detection_api.storage.formats.writers import Layout, TableWriter
from fraud_detection_api.storage.read_ahead import in_order

PROBLEMS_SHOWN = 20
_INTEGER, _NUMBER, _TEXT = np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.object_)
_REJECTS = {"line": _INTEGER, "field": _TEXT, "problem": _TEXT, "value": _TEXT}
_DAY, _TIME = np.dtype("datetime64[us]"), np.dtype("datetime64[ms]")
_DECISIONS = np.array([PASSED, FLAGGED], dtype=np.object_)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class BulkFiles:
    """Where the records are and where the scores go; without a file for rejects, a bad row ends it all."""

    records: Path
    scores: Path
    rejects: Path | None = None


@dataclass(frozen=True)
class BulkSummary:
    """How it went; `absent` are optional fields that the file has no column for."""

    scored: int
    rejected: int
    absent: tuple[str, ...]


@dataclass(frozen=True)
class Rejection:
    """What is wrong with a value, and where the value stands."""

    line: int
    field: str
    problem: str
    value: str


@dataclass(frozen=True)
class ScoredBatch:
    """A batch's scores, ready to be written, and its rows that could not be scored."""

    size: int
    write: Callable[[], object]
    rejections: list[Rejection]
    end: int


def score_file(
    files: BulkFiles,
    scorer: Scorer,
    use_case: UseCase,
    batch_rows: int,
    progress: Progress,
    query: ReasonsQuery | None = None,
) -> BulkSummary:
    """Score every record of a file; progress hears how much of the file is done."""
    _refuse_same_files(files)
    wanted = {field.name: field.kind for field in use_case.fields} | columns_to_bring(use_case)
    scored = 0
    with (
        table_writer(files.scores, _layout(use_case, query)) as scores,
        _rejections(files) as put_aside,
        opened(files.records, wanted, batch_rows) as table,  # left first: a file changed meanwhile leaves no scores
    ):
        absent = _absent(use_case, table.names, files.records)
        bulk = BulkScoring(use_case, scorer, scores, query)
        for each in in_order(bulk.scored, table.batches()):
            put_aside.add(each.rejections)
            each.write()
            scored += each.size
            progress(each.end, table.size)
    return BulkSummary(scored, put_aside.rows, absent)


class BulkScoring:
    """Scores batches; safe in several threads."""

    def __init__(
        self, use_case: UseCase, scorer: Scorer, scores: TableWriter, query: ReasonsQuery | None = None
    ) -> None:
        self._use_case = use_case
        self._scorer = scorer
        self._scores = scores
        self._query = query
        self._reasons = Reasons(use_case)
        self._check = RecordCheck(use_case)

    def scored(self, batch: Batch) -> ScoredBatch:
        """The scores of a batch's good rows, and what is wrong with the others."""
        raw, unreadable = batch.read()
        columns, unfitting = columns_of_table(raw, self._use_case)
        known = problems_of_brought(raw, self._use_case)
        problems = _first_of_each([*unreadable, *unfitting, *self._check.problems(columns), *known])
        if problems:
            good = np.setdiff1d(np.arange(len(columns)), [problem.row for problem in problems])
            raw = batch.keep(good)
            columns, _ = columns_of_table(raw, self._use_case)
        columns = replace(columns, remembered=brought(raw, self._use_case))
        rejections = [
            Rejection(batch.line(each.row), each.field, each.message, batch.original(each.row, each.field))
            for each in problems
        ]
        return ScoredBatch(len(columns), self._scores.prepared(self._answer(columns)), rejections, batch.end)

    def _answer(self, columns: Columns) -> RawTable:
        features = derive(columns, self._use_case)
        found = self._scorer.scores(features)
        scores: RawTable = {
            **_known_by(columns, self._use_case),
            **found.by_field,
            "decision": _DECISIONS[found.flagged.astype(np.intp)],
            "model_version": np.full(len(columns), self._scorer.version, dtype=np.object_),
        }
        if self._query is None:
            return scores
        texts = self._reasons.texts(features, self._scorer, found.flagged, self._query)
        return {**scores, "reasons": np.array(texts, dtype=np.object_)}


class RejectsFile:
    """Rows that could not be scored, put aside in a file of their own, one line for each problem."""

    def __init__(self, writer: TableWriter) -> None:
        self._writer = writer
        self.rows = 0

    def add(self, rejections: Sequence[Rejection]) -> None:
        """Put these aside."""
        self.rows += len({each.line for each in rejections})
        lines = np.array([each.line for each in rejections], dtype=np.int64)
        texts = [(each.field, each.problem, each.value) for each in rejections]
        field, problem, value = np.array(texts, dtype=np.object_).reshape(-1, 3).T
        self._writer.prepared({"line": lines, "field": field, "problem": problem, "value": value})()


class FirstProblems:
    """The first rows that could not be scored, which refuse the whole file."""

    def __init__(self, records: Path) -> None:
        self._records = records
        self._found: list[Rejection] = []
        self.rows = 0

    def add(self, rejections: Sequence[Rejection]) -> None:
        """Note these, and refuse the file once there are enough to show."""
        self._found += rejections[:PROBLEMS_SHOWN]
        if len(self._found) >= PROBLEMS_SHOWN:
            self.refuse_any()

    def refuse_any(self) -> None:
        """Refuse the file if there was a problem; values stay out of the words, since those end up in logs."""
        if not self._found:
            return
        shown = [
            f"  {_unit(self._records)} {each.line}{each.field and ', ' + each.field}: {each.problem}"
            for each in self._found[:PROBLEMS_SHOWN]
        ]
        first = "the first " if len(self._found) >= PROBLEMS_SHOWN else ""
        how = "fix them, or put such rows aside with --rejects FILE"
        raise DataRefused(f"{self._records}: {first}{len(shown)} problem(s); {how}:\n" + "\n".join(shown))


@contextmanager
def _rejections(files: BulkFiles) -> Iterator[RejectsFile | FirstProblems]:
    if files.rejects is None:
        first = FirstProblems(files.records)
        yield first
        first.refuse_any()
    else:
        with table_writer(files.rejects, _REJECTS) as writer:
            yield RejectsFile(writer)


def _first_of_each(problems: Sequence[Problem]) -> list[Problem]:
    """The first problem of each value: what could not be read is missing only for that reason."""
    whole_rows = {problem.row for problem in problems if not problem.field}
    found: dict[tuple[int, str], Problem] = {}
    for problem in problems:
        if not problem.field or problem.row not in whole_rows:
            found.setdefault((problem.row, problem.field), problem)
    return sorted(found.values(), key=lambda problem: problem.row)


def _absent(use_case: UseCase, names: Sequence[str], records: Path) -> tuple[str, ...]:
    absent = [field for field in use_case.fields if field.name not in names]
    required = ", ".join(field.name for field in absent if not field.optional)
    if required:
        raise DataRefused(f"{records} has no column {required}; it has: {', '.join(names)}.")
    refuse_without_histories(names, use_case, str(records))
    return tuple(field.name for field in absent)


def _refuse_same_files(files: BulkFiles) -> None:
    paths = [path.resolve() for path in (files.records, files.scores, files.rejects) if path]
    if len(set(paths)) < len(paths):
        raise DataRefused("Input, output and rejects have to be different files.")


def _layout(use_case: UseCase, query: ReasonsQuery | None) -> Layout:
    reasons = {} if query is None else {"reasons": _TEXT}
    return {
        **{field.name: _type_of(field) for field in _key_fields(use_case)},
        **{name: field.dtype for name, field in use_case.score.fields.items()},
        "decision": _TEXT,
        "model_version": _TEXT,
        **reasons,
    }


def _known_by(columns: Columns, use_case: UseCase) -> RawTable:
    """What tells a score's record: its identifier, or all that it holds."""
    if use_case.identifier_field is not None:
        return {
            use_case.identifier_field.name: np.asarray(columns.identifiers, dtype=_type_of(use_case.identifier_field))
        }
    texts = {name: np.array(values, dtype=np.object_) for name, values in columns.texts.items()}
    numbers = zip(use_case.inputs, columns.numbers, strict=True)
    return {field.name: texts.get(field.name, _raw_column(values, field)) for field, values in numbers}


def _raw_column(values: Numbers, field: RecordField) -> RawColumn:
    if field.kind in UNITS:
        return as_moments(values, UNITS[field.kind])
    return values.astype(_type_of(field))


def _key_fields(use_case: UseCase) -> tuple[RecordField, ...]:
    return (use_case.identifier_field,) if use_case.identifier_field else use_case.inputs


def _type_of(field: RecordField) -> np.dtype[np.generic]:
    if field.kind is Kind.CATEGORY:
        return _TEXT
    if field.kind in UNITS:
        return _TIME if field.kind is Kind.TIME else _DAY
    return _INTEGER if field.kind is Kind.INTEGER and not field.optional else _NUMBER


def _unit(records: Path) -> str:
    known = format_of(records)
    return known.unit if known else ""
