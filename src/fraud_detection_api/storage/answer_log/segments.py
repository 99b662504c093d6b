"""Finished segments of the spool, read entry by entry."""

import fcntl
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fraud_detection_api.storage.answer_log.spool import (
    HEAD_BYTES,
    LEFT_OVER_SECONDS,
    SEGMENT,
    SET_ASIDE,
    UNFINISHED,
    length_and_checksum,
)


@dataclass
class Segment:
    """A file that nobody appends to any more, and what its reading found wrong with it."""

    path: Path
    file: BinaryIO
    is_torn: bool = False  # its last entry was cut off: nobody was answered for it
    damaged: int = 0  # entries that the disk gave back otherwise than they were written

    def entries(self) -> Iterator[tuple[str, bytes]]:
        """Its entries, each with an id that it has whenever it is read; the first one is the opening."""
        self.file.seek(0)
        self.is_torn, self.damaged = False, 0
        while head := self.file.read(HEAD_BYTES):
            at = self.file.tell() - len(head)
            if len(head) < HEAD_BYTES:
                self.is_torn = True
                return
            found = length_and_checksum(head)
            if found is None:
                self.damaged += 1  # and where the next one begins is not known
                return
            content = self.file.read(found[0])
            if len(content) < found[0]:
                self.is_torn = True
                return
            if zlib.crc32(content) != found[1]:
                self.damaged += 1
                continue
            yield f"{self.path.stem}-{at:08x}", content

    def remove(self) -> None:
        """Give its place back, once every entry is elsewhere."""
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Keep it for people to look at; under its old name it would be read again, with the same ids."""
        self.path.rename(self.path.with_suffix(SET_ASIDE))


def segments(folder: Path) -> list[Path]:
    """The segments there are, oldest first, finished or not."""
    return sorted(folder.glob(f"*{SEGMENT}"))


def with_entries(folder: Path) -> list[Path]:
    """Those that hold more than their opening, finished or not."""
    return [path for path in segments(folder) if _holds_entries(path)]


def _holds_entries(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            found = length_and_checksum(head) if len(head) == HEAD_BYTES else None
            return found is not None and path.stat().st_size > HEAD_BYTES + found[0]
    except FileNotFoundError:
        return False


@contextmanager
def finished(path: Path) -> Iterator[Segment | None]:
    """The segment, if nobody appends to it any more."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield Segment(path, file)


def remove_left_overs(folder: Path) -> None:
    """Remove segments whose worker was killed before they had a name; they hold no entry."""
    for path in folder.glob(f"*{UNFINISHED}"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > LEFT_OVER_SECONDS:
                path.unlink()
