"""The same orders through the pipeline's files and through two API processes, with histories flushed and restored."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle

import httpx
import numpy as np

from fraud_detection_api.features.columns import Remembered
from fraud_detection_api.features.history_numpy import Whole
from tests.orders.shop import OrderShop, differing
from tests.orders.streams import OrderStreams
from tests.running_service import RunningService
from tests.storage.histories.private_redis import PrivateRedis

Say = Callable[[str], None]
FILES, BEFORE, AFTER = range(6), range(6, 13), range(13, 20)  # chunks: in files, live before the flush, and after it
CHUNKS = AFTER.stop
RACING = 5  # of each so many groups of streams one has its chunks sent all at once
CONNECTIONS = 4


@dataclass
class Found:
    """What came of it."""

    live: int = 0
    racing: int = 0
    differing: dict[str, int] = field(default_factory=dict)
    restored_keys: int = 0
    restored_differently: int = 0
    parity: str = ""
    flags: dict[int, int] = field(default_factory=dict)  # how often each set of them was said


@dataclass
class Parity:
    """A comparison of so many streams, a group of them to a request."""

    shop: OrderShop
    redis: PrivateRedis
    streams: OrderStreams
    streams_a_request: int
    say: Say = lambda _: None
    rows_of: dict[str, Whole] = field(default_factory=dict)  # by request

    def run(self) -> Found:
        """Files, half of the live orders, a flush, a restoration, the other half; then both are compared."""
        first = self.streams.write(self.shop.folder / "first", [FILES])
        self.say("a model and the histories of the first orders, by the pipeline")
        self.shop.pipeline(first, "--least-average-precision", "0", "--gap-days", "0")
        with self.shop.services(2) as services:
            self.say("live orders")
            self._send(services, BEFORE)
            self.say("a flush, and a restoration")
            before, after = self._restored()
            self.say("live orders")
            self._send(services, AFTER)
        found = Found(restored_keys=len(before))
        found.restored_differently = sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())
        self._compare(found)
        return found

    def _compare(self, found: Found) -> None:
        """By row with the pipeline, where an order of arrival is known; by the command, all of them."""
        self.say("features of all orders, by the pipeline")
        offline = self.shop.features(self.streams.write(self.shop.folder / "all", [FILES, BEFORE, AFTER]))
        online = self.shop.logged(self.rows_of, len(self.streams))
        live = self.streams.chunk >= BEFORE.start
        races = (self.streams.stream // self.streams_a_request) % RACING == RACING - 1
        rows = np.flatnonzero(live & ~races)
        found.live, found.racing = int(live.sum()), int((live & races).sum())
        found.differing = differing(_at(online, rows), _at(offline, rows))
        values, counts = np.unique(offline.flags[:, rows], return_counts=True)
        found.flags = dict(zip(values.tolist(), counts.tolist(), strict=True))
        self.say("fraud orders parity")
        found.parity = self.shop.fraud("orders", "parity").strip().splitlines()[-1]

    def _restored(self) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        """What lay in Redis before it was emptied, and what lies there once it is restored."""
        sent = sum(map(len, self.rows_of.values()))
        self.shop.wait_for_answers(sent)
        before = self.redis.packed()
        self.redis.ask("FLUSHALL")
        self.say(self.shop.fraud("pipeline", "histories").strip())
        return before, self.redis.packed()

    def _send(self, services: Sequence[RunningService], chunks: range) -> None:
        count = int(self.streams.stream.max()) + 1
        firsts = range(0, count, self.streams_a_request)
        groups = [range(first, min(first + self.streams_a_request, count)) for first in firsts]
        work = [job for number, group in enumerate(groups) for job in self._jobs(number, group, chunks)]
        with ExitStack() as stack, ThreadPoolExecutor(CONNECTIONS) as threads:
            clients = [stack.enter_context(each.client()) for each in services]
            for _ in threads.map(lambda job: self._send_in_turn(job, clients), work):
                pass

    def _jobs(self, number: int, group: range, chunks: range) -> Iterator[list[Whole]]:
        """Requests that are sent one after the other: all of a group, or each by itself where they are to race."""
        requests = [self.streams.rows(group, range(chunk, chunk + 1)) for chunk in chunks]
        if number % RACING == RACING - 1:
            yield from ([rows] for rows in requests)
        else:
            yield requests

    def _send_in_turn(self, requests: Sequence[Whole], clients: Sequence[httpx.Client]) -> None:
        """Each to the next process."""
        for rows, client in zip(requests, cycle(clients), strict=False):
            if not len(rows):
                continue
            found = client.post("/score/orders", json=self.streams.sent(rows))
            assert found.status_code == 200, found.text
            assert [each["order_id"] for each in found.json()] == self.streams.columns["order_id"][rows].tolist()
            self.rows_of[found.headers["X-Request-ID"]] = rows


def _at(said: Remembered, rows: Whole) -> Remembered:
    return Remembered(said.values[:, rows], said.flags[:, rows], said.received[:, rows])
