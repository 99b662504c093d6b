"""A store that goes on while its server is away: nothing is known then, and the records wait on the disk."""

import asyncio
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from loguru import logger

from fraud_detection_api.errors import AnswersCannotBeKept
from fraud_detection_api.history_errors import HistoriesAway, HistoriesUnreadable
from fraud_detection_api.storage.answer_log.segments import Segment, finished, remove_left_overs, segments
from fraud_detection_api.storage.answer_log.spool import Spool
from fraud_detection_api.storage.histories.latest import LatestPage, LatestRecords, Wanted
from fraud_detection_api.storage.histories.memory import milliseconds
from fraud_detection_api.storage.histories.packed import refuse_others
from fraud_detection_api.storage.histories.spooled import OPENING, despooled, spooled
from fraud_detection_api.storage.histories.store import Arrivals, HistoryStore, Known, WholeHistories, nothing_known

LOOK_SECONDS = 0.5
AT_ONCE = 500  # records of the spool that are applied together; live ones wait no longer than these take


class SpoolingStore:
    """A store of several workers, each with a spool of its own in a folder of all; whoever comes first applies it."""

    def __init__(self, store: HistoryStore, folder: Path, most_bytes: int) -> None:
        self._store = store
        self._folder = folder
        self._most_bytes = most_bytes
        self._spool: Spool | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_away = False
        self._trouble = ""

    async def start(self) -> None:
        """Connect, and apply what waits in the folder as soon as that is possible, whoever left it there."""
        await self._store.start()
        self._spool = await asyncio.to_thread(Spool, self._folder, self._most_bytes, OPENING)
        self._task = asyncio.create_task(self._tend(self._spool))

    async def stop(self) -> None:
        """Hang up; what waits goes on waiting for the next start or for another worker."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._spool is not None:
            await asyncio.to_thread(self._spool.close)
        await self._store.stop()

    async def remember(
        self, arrivals: Sequence[Arrivals], *, dry_run: bool = False, latest: LatestRecords | None = None
    ) -> list[Known]:
        """What was known of the records' keys; nothing where the store is away, and the records are kept for later.

        Latest records are not: they tell who somebody is, and do not belong on this disk.
        """
        try:
            known = await self._store.remember(arrivals, dry_run=dry_run, latest=latest)
        except HistoriesAway as away:
            if not dry_run:
                self._keep(arrivals, away.why)
            now = milliseconds()
            return [nothing_known(each, now) for each in arrivals]
        self._is_away = False
        return known

    async def fill(self, histories: WholeHistories) -> None:
        """Add whole histories; they can be made again, and are not kept for later."""
        await self._store.fill(histories)

    async def fill_latest(self, latest: LatestRecords) -> None:
        """Keep records where the store is there."""
        await self._store.fill_latest(latest)

    async def latest_page(self, name: bytes, wanted: Wanted) -> LatestPage:
        """Some of the latest records of a use case; refused while the store is away."""
        return await self._store.latest_page(name, wanted)

    def _keep(self, arrivals: Sequence[Arrivals], why: str) -> None:
        if self._spool is None:
            raise HistoriesAway(why)
        try:
            self._spool.append(b"".join(map(spooled, arrivals)))
        except AnswersCannotBeKept as full:
            raise HistoriesAway(f"{why}, and {full.why}") from None
        if not self._is_away:
            self._is_away = True
            logger.warning("Records are scored without their histories, and remembered later: {}", why)

    async def _tend(self, spool: Spool) -> None:
        while True:
            try:
                await asyncio.to_thread(self._look, spool)
                for path in segments(self._folder):
                    await self._apply(path)
                self._trouble = ""
            except HistoriesAway:
                pass  # another time
            except OSError as error:
                self._say(error.strerror or type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, spool: Spool) -> None:
        remove_left_overs(self._folder)
        spool.look()
        spool.roll()

    async def _apply(self, path: Path) -> None:
        """Remember the records of a segment that nobody writes to; it goes only when all of them are in the store."""
        with finished(path) as segment:
            if segment is None:
                return
            count, is_whole = 0, True
            for some in _batches(segment):
                try:
                    for known in await self._store.remember(some):
                        refuse_others(known.arrivals.layout, known.arrivals.name, known.values)
                except HistoriesUnreadable as error:
                    self._say(error.message)
                    is_whole = False
                count += sum(len(each.keys) for each in some)
            if is_whole and not segment.damaged:
                segment.remove()
            else:
                segment.set_aside()
                self._say(
                    f"{path.name} cannot be applied wholly (another version may have written it), and is set aside"
                )
        if count:
            logger.info("{} records that had waited are remembered", count)

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            logger.error("Records that wait for their histories: {}", trouble)
        self._trouble = trouble


def _batches(segment: Segment) -> Iterator[list[Arrivals]]:
    """The records of a segment, so many together; what cannot be read counts as damaged."""
    some = list[Arrivals]()
    entries = segment.entries()
    if next(entries, ("", b""))[1] not in (OPENING, b""):
        segment.damaged += 1
        return
    for _, content in entries:
        try:
            some += despooled(content)
        except (ValueError, struct.error):
            segment.damaged += 1
        if sum(len(each.keys) for each in some) >= AT_ONCE:
            yield some
            some = []
    if some:
        yield some
