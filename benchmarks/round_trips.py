"""A relay before Redis that counts round trips: what the service sends goes on at once, what Redis says only once both
have been silent for a while. So a request that waits for an answer before it asks for more counts twice."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from select import select

from benchmarks.servers import HOST

SILENCE = 0.05


@dataclass
class RoundTrips:
    """Where the service connects to, and how often it has been answered."""

    port: int
    answered: int = 0


@contextmanager
def relayed(redis_port: int) -> Iterator[RoundTrips]:
    """A relay to this server, from now on until the block ends."""
    with socket.create_server((HOST, 0)) as listener:
        counted, ended = RoundTrips(listener.getsockname()[1]), threading.Event()
        thread = threading.Thread(target=_accept, args=(listener, redis_port, counted, ended), daemon=True)
        thread.start()
        yield counted
        ended.set()
        thread.join()


def _accept(listener: socket.socket, redis_port: int, counted: RoundTrips, ended: threading.Event) -> None:
    while not ended.is_set():
        if select([listener], [], [], SILENCE)[0]:
            client = listener.accept()[0]
            server = socket.create_connection((HOST, redis_port))
            threading.Thread(target=_relay, args=(client, server, counted), daemon=True).start()


def _relay(client: socket.socket, server: socket.socket, counted: RoundTrips) -> None:
    with client, server:
        held = bytearray()
        while True:
            ready, _, _ = select([client, server], [], [], SILENCE if held else None)
            if not ready:
                counted.answered += 1
                client.sendall(held)
                held.clear()
            for each in ready:
                data = each.recv(1 << 20)
                if not data:
                    return
                if each is client:
                    server.sendall(data)
                else:
                    held += data
