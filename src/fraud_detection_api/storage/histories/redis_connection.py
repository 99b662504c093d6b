"""One connection to Redis: many commands in few writes, and their replies in the same order.

No client library: `redis.asyncio` takes many times as long for a call as the server does (docs/architecture.md). The
replies are read by hiredis, the reader in C of the Redis project.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TypeAlias, cast

import hiredis

from fraud_detection_api.history_errors import HistoriesAway

MOST_UNSENT = 8  # requests: the server begins with these while the next ones are made
Refusal = hiredis.ReplyError
Reply: TypeAlias = bytes | int | Sequence["Reply"] | hiredis.ReplyError | None


def command(*words: bytes) -> bytes:
    """A command as the server reads it."""
    return b"*%d\r\n%b" % (len(words), b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))


def refusal_of(reply: hiredis.ReplyError) -> str:
    """What a server says against a command, without the command's words: these may be a password, or of a record."""
    return str(reply).partition(", with args beginning with")[0]


class _Call:
    """Commands that were sent together, and those of their replies that have come."""

    __slots__ = ("count", "deadline", "future", "replies")

    def __init__(self, count: int, future: asyncio.Future[list[Reply]], deadline: float) -> None:
        self.count = count
        self.future = future
        self.deadline = deadline
        self.replies: list[Reply] = []


class Connection(asyncio.Protocol):
    """What is sent within one turn of the event loop leaves in few writes; one timer watches all that waits."""

    def __init__(self, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._waiting: deque[_Call] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.why_lost = ""
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def send(self, commands: bytes, count: int) -> asyncio.Future[list[Reply]]:
        """The replies to so many commands."""
        future: asyncio.Future[list[Reply]] = self._loop.create_future()
        if self.why_lost:
            future.set_exception(HistoriesAway(self.why_lost))
            return future
        call = _Call(count, future, self._loop.time() + self._timeout)
        self._waiting.append(call)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(commands)
        if len(self._unsent) == MOST_UNSENT:
            self._flush()
        if self._timer is None:
            self._timer = self._loop.call_at(call.deadline, self._look_at_the_time)
        return future

    def close(self, why: str) -> None:
        """Fail all that waits, at once, and hang up."""
        if self.why_lost:
            return
        self.why_lost = why
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            if not call.future.done():
                call.future.set_exception(HistoriesAway(why))
        if self._transport is not None:
            self._transport.abort()
        self.lost.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop, whoever hung up."""
        self.close(f"the connection was lost ({type(exc).__name__})" if exc else "the connection was closed")
        self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop: give each call its replies."""
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not False:
                call = self._waiting[0]
                call.replies.append(reply)
                if len(call.replies) == call.count:
                    self._waiting.popleft()
                    if not call.future.done():
                        call.future.set_result(call.replies)
        except (hiredis.ProtocolError, IndexError):
            self.close("the server does not speak as Redis does")

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None and not self.why_lost:
            self._transport.write(b"".join(unsent) if len(unsent) > 1 else unsent[0])

    def _look_at_the_time(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        deadline = self._waiting[0].deadline
        if deadline <= self._loop.time():
            self.close(f"no answer within {self._timeout:g} seconds")
        else:
            self._timer = self._loop.call_at(deadline, self._look_at_the_time)
