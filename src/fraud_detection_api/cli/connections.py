"""A client's connection: uvicorn leaves it to a proxy to bound what comes before a body, and in how many chunks."""

import asyncio

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

PIECE = 16_384  # bytes parsed in one go: a chunk of one byte takes six of them, and as long to handle as a large one
MOST_HEAD = 16_384  # bytes, the first piece not counted: of an address with its headers, or between parts of a body
MOST_AHEAD = 100  # requests sent before the first of them is answered


class TooMuch(Exception):
    """More than a connection may send; the parser hands it on, and the client gets 400."""


class Flow(FlowControl):
    """Reading goes on when the application asks for more, but not before all that has been read is parsed."""

    is_behind = False

    def resume_reading(self) -> None:
        """Read on, if there is nothing left to parse."""
        if not self.is_behind:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """Parses in turn with other connections; closed with 400 once a head is too large or too much is sent ahead."""

    _flow: Flow
    _gathered = 0  # bytes of pieces since the last that began a request or held some of its body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client has come."""
        super().connection_made(transport)
        self.flow = self._flow = Flow(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes from the socket, up to 256 KB; what is more than a piece is parsed after others had their turn."""
        self._parse(data[:PIECE])
        if len(data) > PIECE and not self.transport.is_closing():
            self.flow.pause_reading()
            self._flow.is_behind = True
            self.loop.call_soon(self._go_on, memoryview(data)[PIECE:])

    def on_message_begin(self) -> None:
        """A request begins."""
        if len(self.pipeline) >= MOST_AHEAD:
            raise TooMuch
        self._gathered = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._gathered = 0
        super().on_body(body)

    def _go_on(self, rest: memoryview) -> None:
        if self.transport.is_closing():
            return
        self._parse(bytes(rest[:PIECE]))
        if len(rest) > PIECE:
            self.loop.call_soon(self._go_on, rest[PIECE:])
            return
        self._flow.is_behind = False
        if not (self.pipeline or self._holds_enough()):
            self.flow.resume_reading()

    def _holds_enough(self) -> bool:
        """Whether the application has yet to take what came of the body, as uvicorn counts it."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first head is whole
        return cycle is not None and not cycle.response_complete and len(cycle.body) > HIGH_WATER_LIMIT

    def _parse(self, data: bytes) -> None:
        self._gathered += len(data)
        super().data_received(data)
        if self._gathered > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response("Too long a head, trailer or extension of a chunk.")
