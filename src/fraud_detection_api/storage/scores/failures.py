"""What a database's error means, and how long one bears with it."""

import random
import time
from collections.abc import Sequence
from enum import Enum, auto

from sqlalchemy import exc

MOST_TRIES = 20
MOST_LOST = 2
SHORTEST_REST, LONGEST_REST = 0.005, 0.5

# SQLSTATEs of PostgreSQL, numbers of MySQL and MariaDB: deadlock, serialisation, waited too long for a lock or in all
_CONFLICTS = {"40001", "40P01", "55P03", "57014", 1020, 1205, 1213}
_VANISHED = {"42P01", "3F000", 1146, 1049}
_FORBIDDEN = {"42501"}
# what their driver takes for a trouble of the server: a broken CHECK; tables, columns and indexes of another shape
_CHECKS = {3819, 4025}
_SHAPES = {1050, 1051, 1054, 1060, 1061, 1072, 1091, 1136, 1364}
_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_ERROR = 5, 6, 1


class Failure(Enum):
    """What becomes of a transaction that failed."""

    CONFLICT = auto()
    LOST = auto()
    AWAY = auto()
    VANISHED = auto()
    OURS = auto()


class Patience:
    """Bears with conflicts until a time is over, with a lost connection twice, with nothing else."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._tries = 0
        self._lost = 0

    def allows_another_try(self, failure: Failure) -> bool:
        """Whether the transaction may be tried again; where it may, some time has passed."""
        self._tries += 1
        self._lost += failure is Failure.LOST
        if failure is Failure.CONFLICT:
            return self._tries < MOST_TRIES and self._rested()
        return failure is Failure.LOST and self._lost <= MOST_LOST and self._rested()

    def _rested(self) -> bool:
        most = min(LONGEST_REST, SHORTEST_REST * 2**self._tries)
        rest = random.uniform(SHORTEST_REST, most)
        if time.monotonic() + rest > self._until:
            return False
        time.sleep(rest)
        return True


def failure_of(error: exc.SQLAlchemyError) -> Failure:
    """What a database's error means for the transaction."""
    if isinstance(error, exc.NoSuchTableError):
        return Failure.VANISHED
    if not isinstance(error, exc.DBAPIError):
        return Failure.AWAY if isinstance(error, exc.TimeoutError) else Failure.OURS
    code = code_of(error)
    if code in _CONFLICTS or (_is_sqlite(error) and code in (_SQLITE_BUSY, _SQLITE_LOCKED)):
        return Failure.CONFLICT
    if error.connection_invalidated:
        return Failure.LOST
    vanished = code in _VANISHED or (_is_sqlite_error(error, code) and "no such table" in str(error.orig))
    if vanished and error.statement is not None:  # without one it is the database of the URL that is not there
        return Failure.VANISHED
    return Failure.OURS if _is_ours(error, code) else Failure.AWAY


def code_of(error: exc.DBAPIError) -> str | int | None:
    """The SQLSTATE or number that the database itself gave."""
    original = error.orig
    if _is_sqlite(error):
        return int(getattr(original, "sqlite_errorcode", 0)) & 0xFF  # the rest of it tells kinds of a kind
    first = original.args[0] if original is not None and original.args else None
    state = getattr(original, "sqlstate", None)
    return first if isinstance(first, int) else state


def words_of(error: exc.SQLAlchemyError, secrets: Sequence[str]) -> str:
    """What may be logged of it: a driver's own words where no connection was made, else no more than a number."""
    if not isinstance(error, exc.DBAPIError):
        return type(error).__name__
    words = f"{type(error.orig).__name__} {code_of(error) or ''}".strip()
    if error.statement is None:
        words += ": " + " ".join(str(error.orig).split())
    for secret in filter(None, secrets):
        words = words.replace(secret, "***")
    return words


def _is_ours(error: exc.DBAPIError, code: str | int | None) -> bool:
    faulty = exc.IntegrityError | exc.DataError | exc.ProgrammingError | exc.NotSupportedError
    told = code in _CHECKS | _SHAPES or _is_sqlite_error(error, code)
    return told or (isinstance(error, faulty) and code not in _FORBIDDEN)


def _is_sqlite_error(error: exc.DBAPIError, code: str | int | None) -> bool:
    return _is_sqlite(error) and code == _SQLITE_ERROR  # its one number for whatever a statement has wrong


def _is_sqlite(error: exc.DBAPIError) -> bool:
    return hasattr(error.orig, "sqlite_errorcode")
