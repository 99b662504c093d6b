"""The servers that hold the histories: one, or those of a cluster, of which each holds some of the keys."""

import asyncio
from binascii import crc_hqx
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from random import choice
from typing import NoReturn

from fraud_detection_api.history_errors import HistoriesAway, HistoriesUnreadable, HistoriesUnusable
from fraud_detection_api.storage.histories.options import RedisAddress
from fraud_detection_api.storage.histories.redis_connection import Refusal, Reply, command, refusal_of
from fraud_detection_api.storage.histories.redis_node import SLOTS, Node

ALL_SLOTS = 16_384
MOST_TRIES = 5
PAUSE = 0.02
ASKING = command(b"ASKING")
LOOK_SECONDS = 0.5
HASH_BYTES = 9  # a colon and eight bytes, which are personal
NOT_STARTED = "the service is not started, or ending"


def slot_of(key: bytes) -> int:
    """Where in a cluster a key belongs: by the part in its first braces, where it has some, else by all of it."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % ALL_SLOTS


class RedisServers:
    """Sends commands where their keys are; each server gets all of its commands in one write."""

    def __init__(self, address: RedisAddress, timeout: float, scripts: Sequence[bytes]) -> None:
        self._address = address
        self._timeout = timeout
        self._opening = [command(b"SCRIPT", b"LOAD", script) for script in scripts]
        self._nodes: dict[tuple[str, int], Node] = {}
        self._first: Node | None = None
        self._slots: list[Node] = []  # empty where there is one server
        self._is_stale = False  # whether keys have moved since that was learnt
        self._watcher: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect, or try to."""
        self._first = self._node(self._address.host, self._address.port)
        await self._first.until_tried()
        if refusal := self._first.refusal:
            await self.stop()
            raise HistoriesUnusable(f"The server of FRAUD_HISTORIES refuses the service: {refusal}")
        await asyncio.gather(*(node.until_tried() for node in self._nodes.values()))
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Hang up."""
        if self._watcher is not None:
            self._watcher.cancel()
        nodes, self._nodes, self._slots, self._first = [*self._nodes.values()], {}, [], None
        await asyncio.gather(*(node.stop() for node in nodes))

    async def call(self, keys: Callable[[], Sequence[bytes]], commands: Sequence[bytes]) -> Sequence[Reply]:
        """The replies to commands, one about each key; raises what a server says against it."""
        if not commands:
            return []
        if self._slots:
            replies = await self._sent(keys(), commands)
        elif self._first is None:
            raise HistoriesAway(NOT_STARTED)
        else:
            replies = await self._first.send(b"".join(commands), len(commands))
        for _ in range(MOST_TRIES):
            refused = [(at, refusal_of(reply)) for at, reply in enumerate(replies) if isinstance(reply, Refusal)]
            if not refused:
                return replies
            names = keys()
            again = [self._again(names[at], commands[at], why) for at, why in refused]
            for (at, _), reply in zip(refused, await asyncio.gather(*again), strict=True):
                replies[at] = reply
        raise HistoriesAway("the servers send us from one to the other")

    async def _sent(self, keys: Sequence[bytes], commands: Sequence[bytes]) -> list[Reply]:
        places: defaultdict[Node, list[int]] = defaultdict(list)
        for at, key in enumerate(keys):
            places[self._slots[slot_of(key)]].append(at)
        calls = [node.send(b"".join([commands[at] for at in own]), len(own)) for node, own in places.items()]
        replies: list[Reply] = [None] * len(keys)
        for own, found in zip(places.values(), await asyncio.gather(*calls), strict=True):
            for at, reply in zip(own, found, strict=True):
                replies[at] = reply
        return replies

    async def _again(self, key: bytes, order: bytes, why: str) -> Reply:
        """The reply to a command that was refused, where there is a way; else what the refusal means."""
        code, _, rest = why.partition(" ")
        node, before = self._slots[slot_of(key)] if self._slots else self._first, list[bytes]()
        if code in ("MOVED", "ASK"):
            slot, _, place = rest.partition(" ")
            node = await self._other(place)
            before = [ASKING] if code == "ASK" else []
            if code == "MOVED" and self._slots:
                self._slots[int(slot)] = node
                self._is_stale = True
        elif code == "NOSCRIPT":
            before = self._opening
        elif code == "TRYAGAIN":
            await asyncio.sleep(PAUSE)
        else:
            self._give_up(node, key, why)
        if node is None:
            raise HistoriesAway(NOT_STARTED)
        return (await node.send(b"".join((*before, order)), len(before) + 1))[-1]

    def _give_up(self, node: Node | None, key: bytes, why: str) -> NoReturn:
        if "WRONGTYPE" in why:
            raise HistoriesUnreadable(key[:-HASH_BYTES], "one is of another type")
        self._is_stale = True
        if "READONLY" in why and node is not None:
            node.hang_up(why)  # its name may stand for another server by now, which may be written to
        raise HistoriesAway(f"the server refuses: {why}")

    async def _other(self, place: str) -> Node:
        host, _, port = place.rpartition(":")
        node = self._node(host or self._address.host, int(port))
        await node.until_tried()
        return node

    def _node(self, host: str, port: int) -> Node:
        node = self._nodes.get((host, port))
        if node is None:
            address = replace(self._address, host=host, port=port)
            node = self._nodes[host, port] = Node(address, self._timeout, self._opening, self._take_slots)
            node.start()
        return node

    def _take_slots(self, node: Node, reply: Reply) -> None:
        """Learn which server of a cluster has which keys; one that is alone refuses to say."""
        if not isinstance(reply, list):
            return
        slots = [node] * ALL_SLOTS  # who has none of them says who has
        for each in reply:
            match each:
                case [int(first), int(last), [bytes() | None as host, int(port), *_], *_] if (
                    0 <= first <= last < ALL_SLOTS
                ):
                    own = self._node((host or b"").decode(errors="replace") or node.address.host, port)
                    slots[first : last + 1] = [own] * (last + 1 - first)
        self._slots, self._is_stale = slots if reply else [], False
        used = {*slots, self._first}
        for place, other in [*self._nodes.items()]:
            if other not in used and other is not node:
                del self._nodes[place]
                stopping = asyncio.create_task(other.stop())
                self._stopping.add(stopping)
                stopping.add_done_callback(self._stopping.discard)

    async def _watch(self) -> None:
        """Ask again who has which keys, as long as one of a cluster's servers is away or they have moved."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            nodes = [*dict.fromkeys(self._slots)]
            connected = [node for node in nodes if node.is_connected]
            if connected and (self._is_stale or len(connected) < len(nodes)):
                with suppress(HistoriesAway):
                    node = choice(connected)
                    self._take_slots(node, (await node.send(SLOTS, 1))[0])
