"""Cells as database drivers give them, Python objects, as columns."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from fraud_detection_api.features.tables import RawColumn
from fraud_detection_api.problems import Problem, Scalar
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.storage.formats.arrow import pa
from fraud_detection_api.storage.formats.arrow_columns import column
from fraud_detection_api.storage.formats.parsing import WORDS, in_utc, moment_of


def cells_column(cells: Sequence[object], kind: Kind, name: str) -> tuple[RawColumn, list[Problem]]:
    """One column by its kind, and the cells that are of another one (SQLite keeps what it is given)."""
    plain = [_plain(cell) for cell in cells]
    try:
        return column(pa.array(plain), kind, name)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # of several types, or beyond 64 bits
        pass
    fitting = [_fitting(cell, kind) for cell in plain]
    problems = [
        Problem(row, name, WORDS[kind], _scalar(cell), "type")
        for row, cell in enumerate(plain)
        if cell is not None and fitting[row] is None
    ]
    found, _ = column(pa.array(fitting), kind, name)
    return found, problems


def _plain(cell: object) -> object:
    if isinstance(cell, Decimal):
        return float(cell)
    return str(cell) if isinstance(cell, UUID) else cell


def _fitting(cell: object, kind: Kind) -> Scalar | datetime:
    if kind is Kind.BOOLEAN:
        return float(cell) if isinstance(cell, int | float) else None
    if kind is Kind.CATEGORY:
        return str(cell) if isinstance(cell, str | int) and not isinstance(cell, bool) else None
    if kind in (Kind.DATE, Kind.TIME):
        return _moment(cell, kind)
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else None


def _moment(cell: object, kind: Kind) -> datetime | None:
    if isinstance(cell, datetime):
        return in_utc(cell)
    if isinstance(cell, date) and kind is Kind.DATE:
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - a day has no zone
    return moment_of(str(cell), kind) if isinstance(cell, str | int) else None


def _scalar(cell: object) -> Scalar:
    return cell if isinstance(cell, str | int | float | bool) else str(cell)
