"""A lock that a database server frees when the connection of its holder ends, however it ends."""

import time

import sqlalchemy as sa
from sqlalchemy import exc

from fraud_detection_api.run_errors import JournalUnavailable, LockLost
from fraud_detection_api.storage.journal.journal_database import JournalDatabase

LOOK_SECONDS = 1.0  # between two looks at whether the connection is still there


class ServerLock:
    """Of one name; where the journal is a file, there is no server and nobody else to ask."""

    def __init__(self, database: JournalDatabase, name: str) -> None:
        self._is_server = database.is_server
        self._engine = database.engine
        self._pool = database.pool()
        self._name = name
        self._held: sa.Connection | None = None
        self._next_look = 0.0

    def take(self) -> bool:
        """Take it and keep it; whether nobody else has it."""
        if not self._is_server:
            return True
        try:
            connection = self._pool.connect()
            if not self._engine.try_lock(connection, self._name):
                connection.invalidate()  # closed for good: a connection of a pool would go on holding what it has
                connection.close()
                return False
            connection.commit()  # the lock is the session's, and no transaction stays open
        except exc.SQLAlchemyError:
            raise JournalUnavailable from None
        self._held, self._next_look = connection, time.monotonic() + LOOK_SECONDS
        return True

    def is_free(self) -> bool:
        """Whether nobody has it at this moment."""
        if not self._is_server:
            return True
        try:
            with self._pool.connect() as connection:
                return not self._engine.is_locked(connection, self._name)
        except exc.SQLAlchemyError:
            raise JournalUnavailable from None

    def check(self) -> None:
        """Take it again if the server was restarted; raises LockLost where somebody was quicker."""
        if not self._is_server or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        if self._held is not None:
            try:
                self._held.execute(sa.select(1))
                self._held.commit()
            except exc.SQLAlchemyError:
                self.release()
        if self._held is None:  # lost, now or when this was last tried
            self._next_look = 0.0
            if not self.take():
                raise LockLost

    def release(self) -> None:
        """Let others have it."""
        held, self._held = self._held, None
        if held is not None:
            held.invalidate()
            held.close()
        self._pool.dispose()
