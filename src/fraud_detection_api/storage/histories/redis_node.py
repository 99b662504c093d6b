"""A server of Redis to which a connection is kept: lost, it is made again, with short pauses, as long as it takes."""

import asyncio
import os
import ssl
from asyncio import Future
from collections.abc import Callable
from contextlib import suppress

from loguru import logger

from fraud_detection_api.history_errors import HistoriesAway
from fraud_detection_api.storage.histories.options import RedisAddress
from fraud_detection_api.storage.histories.redis_connection import Connection, Refusal, Reply, command, refusal_of

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
FOR_GOOD = ("WRONGPASS", "NOAUTH", "NOPERM", "DENIED", "ERR")
SLOTS = command(b"CLUSTER", b"SLOTS")


class Node:
    """One server, and what it is told when a connection to it is made."""

    def __init__(
        self, address: RedisAddress, timeout: float, opening: list[bytes], on_slots: Callable[["Node", Reply], None]
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._opening = [*_introduction(address), *opening, SLOTS]
        self._on_slots = on_slots
        self._connection: Connection | None = None
        self._why = "the server was not asked yet"
        self.refusal = ""  # one that time does not heal: a wrong password, a database that is not there
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep a connection."""
        self._task = asyncio.create_task(self._keep_connected())

    async def until_tried(self) -> None:
        """Wait until the server was asked, with whatever success."""
        await self._tried.wait()

    async def stop(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            self._connection.close("the service is ending")
            await self._connection.ended

    @property
    def is_connected(self) -> bool:
        """Whether it answers."""
        return self._connection is not None

    def send(self, commands: bytes, count: int) -> Future[list[Reply]]:
        """The replies to so many commands; an error where the server is away."""
        if self._connection is not None:
            return self._connection.send(commands, count)
        future: Future[list[Reply]] = asyncio.get_running_loop().create_future()
        future.set_exception(HistoriesAway(self._why))
        return future

    def hang_up(self, why: str) -> None:
        """Connect again, to whatever the server's name stands for by then."""
        if self._connection is not None:
            self._connection.close(why)

    async def _keep_connected(self) -> None:
        pause = SHORTEST_PAUSE
        while True:
            try:
                connection = await self._connected()
            except (OSError, HistoriesAway, ValueError) as error:
                self._say(_why(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self._connection, pause = connection, SHORTEST_PAUSE
            self._say("")
            await asyncio.wait([connection.lost])
            self._connection, self._why = None, connection.why_lost

    async def _connected(self) -> Connection:
        address = self.address
        encryption = _encryption(address.authorities) if address.is_encrypted else None
        connection = Connection(self._timeout)
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, address.host, address.port, ssl=encryption
                )
                replies = await connection.send(b"".join(self._opening), len(self._opening))
            self._accept(replies[:-1])
        except BaseException:
            connection.close("it was never made")
            raise
        self._on_slots(self, replies[-1])
        return connection

    def _accept(self, replies: list[Reply]) -> None:
        refusals = [refusal_of(reply) for reply in replies if isinstance(reply, Refusal)]
        if refusals:
            self.refusal = refusals[0] if refusals[0].startswith(FOR_GOOD) else ""
            raise HistoriesAway(f"the server refuses: {refusals[0]}")

    def _say(self, why: str) -> None:
        """Log a change once, and let go of those who wait for the first try."""
        place = f"{self.address.host}:{self.address.port}"
        if why and (self._why != why or not self._tried.is_set()):
            logger.warning("Histories at {} cannot be reached: {}", place, why)
        elif not why:
            logger.info("Histories at {} are connected", place)
        self._why = why
        self._tried.set()


def _introduction(address: RedisAddress) -> list[bytes]:
    found = []
    if address.user or address.password:  # a user may need none
        user = [address.user.encode()] if address.user else []
        found.append(command(b"AUTH", *user, address.password.encode()))
    if address.database:
        found.append(command(b"SELECT", b"%d" % address.database))
    return found


def _encryption(authorities: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authorities or None)


def _why(error: Exception) -> str:
    if isinstance(error, HistoriesAway):
        return error.why
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
