"""Connections to PostgreSQL that wait only so long: a server that is stopped keeps them open and says nothing."""

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq.abc import PGconn
from psycopg.rows import TupleRow

MARGIN_SECONDS = 1.0  # a server that is alive ends a statement itself, and says so

Found = TypeVar("Found")


class BoundedConnection(psycopg.Connection[TupleRow]):
    """One that is closed once the server has said nothing for too long."""

    longest_silence = float("inf")

    def wait(self, gen: PQGen[Found], interval: float = 0.1, timeout: float | None = None) -> Found:
        """Every way to ask passes through here: statements, COPY piece by piece, the end of a transaction."""
        longest = self.longest_silence if timeout is None else timeout
        return super().wait(_heard(gen, self.pgconn, longest), interval)


def bounded_connection(timeout_seconds: float, **named: object) -> BoundedConnection:
    """A new connection; how long connecting takes is bounded by the driver."""
    connect: Callable[..., BoundedConnection] = BoundedConnection.connect
    connection = connect(**named)
    connection.longest_silence = timeout_seconds + MARGIN_SECONDS
    return connection


def _heard(asking: PQGen[Found], server: PGconn, longest_silence: float) -> PQGen[Found]:
    """The same questions and answers; whoever waits for the server comes back with nothing now and then."""
    until = time.monotonic() + longest_silence
    try:
        wanted = next(asking)
        while True:
            ready = yield wanted
            if ready:
                until = time.monotonic() + longest_silence
            elif time.monotonic() > until:
                server.finish()
                raise psycopg.OperationalError("the server keeps the connection open and says nothing")
            wanted = asking.send(ready)
    except StopIteration as end:
        found: Found = end.value
        return found
