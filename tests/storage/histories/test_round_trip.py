"""However many records a request has: all that is asked of Redis has left before anything of the answer is needed."""

import asyncio

import numpy as np

from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.latest import LatestRecord, LatestRecords
from fraud_detection_api.storage.histories.options import HistoryOptions
from tests.storage.histories.private_redis import PrivateRedis
from tests.storage.histories.records import arrivals, entry, started

QUIET_SECONDS = 0.3


class Relay:
    """Hands on what the client sends at once, and what the server answers only once the client has fallen silent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.is_holding = False
        self.held = 0  # how often answers were held back until the client was silent
        self.port = 0

    async def start(self) -> asyncio.Server:
        """Listen on a port of its own."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        heard = asyncio.Event()
        there = asyncio.create_task(self._there(reader, to_server, heard))
        while answer := await from_server.read(1 << 20):
            if self.is_holding:
                answer += await self._held(from_server, heard)
                self.held += 1
            writer.write(answer)
        there.cancel()
        writer.close()
        to_server.close()

    @staticmethod
    async def _there(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: asyncio.Event) -> None:
        while asked := await reader.read(1 << 20):
            heard.set()
            writer.write(asked)
        writer.close()

    @staticmethod
    async def _held(from_server: asyncio.StreamReader, heard: asyncio.Event) -> bytes:
        answer = b""
        while True:
            heard.clear()
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    answer += await from_server.read(1 << 20)
            except TimeoutError:
                if not heard.is_set():
                    return answer


def test_a_request_is_one_round_trip(redis: PrivateRedis) -> None:
    redis.ask("FLUSHALL")
    random = np.random.default_rng(5)

    async def run() -> tuple[int, list[int]]:
        relay = Relay(redis.port)
        server = await relay.start()
        options = HistoryOptions(f"redis://127.0.0.1:{relay.port}", timeout_seconds=20)
        async with started(store_of(options)) as store:
            relay.is_holding = True
            own = [(int(random.integers(0, 9)), entry(each, each % 5)) for each in range(300)]
            latest = LatestRecords(b"orders", [LatestRecord(b"%d" % each, 0, 1, b"{}") for each in range(300)])
            found = await store.remember([arrivals(*own), arrivals(*own, name=b"orders:email")], latest=latest)
            relay.is_holding = False
        server.close()
        return relay.held, [len(each.unpacked.ends) for each in found]

    assert asyncio.run(run()) == (1, [300, 300])


def test_redis_counts_one_read_for_an_order(redis: PrivateRedis) -> None:
    """Two keys of an order, and the order itself where it is kept, fit into one packet."""

    def reads() -> int:
        stats = redis.ask("INFO", "stats")
        assert isinstance(stats, bytes)
        return int(stats.split(b"total_reads_processed:")[1].split()[0])

    async def run() -> int:
        async with started(store_of(HistoryOptions(redis.url))) as store:
            question = -(reads() - reads())
            before = reads()
            for each in range(50):
                own = (each, entry(each))
                latest = LatestRecords(b"orders", [LatestRecord(b"%d" % each, 0, 1, b'{"order_id": 1}')])
                await store.remember([arrivals(own), arrivals(own, name=b"orders:email")], latest=latest)
            return reads() - before - question

    assert asyncio.run(run()) == 50
