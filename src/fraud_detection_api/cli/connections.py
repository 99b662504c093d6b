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
    """Reading goes on when the application asks for more, but not before all that has been read is parsed.

    It holds what a connection has to remember: with more than 30 attributes, Python looks up all of the connection's in
    a slower way, which cost each request a microsecond.
    """

    is_behind = False
    gathered = 0  # bytes of pieces since the last that began a request or held some of its body

    def resume_reading(self) -> None:
        """Read on, if there is nothing left to parse."""
        if not self.is_behind:
            FlowControl.resume_reading(self)


class Connection(HttpToolsProtocol):
    """Parses in turn with other connections; closed with 400 once a head is too large or too much is sent ahead."""

    flow: Flow

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client has come."""
        super().connection_made(transport)
        self.flow = Flow(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes from the socket, up to 256 KB; what is more than a piece is parsed after others had their turn."""
        if len(data) <= PIECE:
            self._parse(data)
            return
        self._parse(data[:PIECE])
        if not self.transport.is_closing():
            self.flow.pause_reading()
            self.flow.is_behind = True
            self.loop.call_soon(self._go_on, memoryview(data)[PIECE:])

    def on_message_begin(self) -> None:
        """A request begins."""
        if len(self.pipeline) >= MOST_AHEAD:
            raise TooMuch
        self.flow.gathered = 0
        HttpToolsProtocol.on_message_begin(self)

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self.flow.gathered = 0
        HttpToolsProtocol.on_body(self, body)

    def _go_on(self, rest: memoryview) -> None:
        if self.transport.is_closing():
            return
        self._parse(bytes(rest[:PIECE]))
        if len(rest) > PIECE:
            self.loop.call_soon(self._go_on, rest[PIECE:])
            return
        self.flow.is_behind = False
        if not (self.pipeline or self._holds_enough()):
            self.flow.resume_reading()

    def _holds_enough(self) -> bool:
        """Whether the application has yet to take what came of the body, as uvicorn counts it."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first head is whole
        return cycle is not None and not cycle.response_complete and len(cycle.body) > HIGH_WATER_LIMIT

    def _parse(self, data: bytes) -> None:
        self.flow.gathered += len(data)
        HttpToolsProtocol.data_received(self, data)
        if self.flow.gathered > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response("Too long a head, trailer or extension of a chunk.")
