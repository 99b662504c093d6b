"""The spool: answers on disk until they are in the database, in segments that one worker each appends to.

An entry is one write to a file, so that a killed process loses nothing of it: the system's cache outlives the process.
A segment is locked as long as its worker may append to it; an unlocked one is finished, however its worker ended.
"""

import errno
import fcntl
import os
import secrets
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock

from fraud_detection_api.errors import AnswersCannotBeKept, SpoolUnusable

SEGMENT, UNFINISHED, SET_ASIDE = ".spool", ".part", ".refused"
SEGMENT_BYTES, SEGMENT_SECONDS = 16_000_000, 1.0
MARK = b"KEPT"
_PLAIN = struct.Struct("<4sII")  # a mark, the length of the content, and its checksum
_CHECKED = struct.Struct("<I")  # the checksum of those three: a wrong length must not pass for a cut-off entry
HEAD_BYTES = _PLAIN.size + _CHECKED.size
LEFT_OVER_SECONDS = 60.0


def framed(content: bytes) -> bytes:
    """An entry as it lies in a segment."""
    head = _PLAIN.pack(MARK, len(content), zlib.crc32(content))
    return b"".join((head, _CHECKED.pack(zlib.crc32(head)), content))


def length_and_checksum(head: bytes) -> tuple[int, int] | None:
    """What an entry's head says of its content, or None where the head is damaged."""
    plain = head[: _PLAIN.size]
    mark, length, checksum = _PLAIN.unpack(plain)
    is_whole = mark == MARK and _CHECKED.unpack_from(head, _PLAIN.size)[0] == zlib.crc32(plain)
    return (length, checksum) if is_whole else None


class Spool:
    """The segments of one worker in the folder that all workers share."""

    def __init__(self, folder: Path, most_bytes: int, opening: bytes) -> None:
        self.has_much = Event()  # the segment is so long that another should be begun
        self._folder = folder
        self._most_bytes = most_bytes
        self._opening = framed(opening)
        self._lock = Lock()
        self._own: list[Path] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._elsewhere = bytes_in(folder)
            self._segment: _Segment | None = self._new_segment()
        except OSError as error:
            raise SpoolUnusable(folder, error.strerror or type(error).__name__) from None

    def append(self, content: bytes) -> None:
        """Keep an entry; once this returns, the end of the process cannot undo it."""
        frame = framed(content)
        with self._lock:
            segment = self._segment
            if segment is None or self._elsewhere + segment.size + len(frame) > self._most_bytes:
                raise AnswersCannotBeKept("the spool is full")
            try:
                segment.append(frame)
            except OSError as error:
                raise AnswersCannotBeKept(error.strerror or type(error).__name__) from None
            if segment.size > SEGMENT_BYTES:
                self.has_much.set()

    def roll(self) -> None:
        """Finish a segment that is long or old enough, bring it to the disk and begin another."""
        segment = self._segment
        if segment is None or not segment.is_due(len(self._opening)):
            return
        self.has_much.clear()
        fresh = self._new_segment()
        with self._lock:
            self._segment = fresh
            self._elsewhere += segment.size
        segment.finish()

    def look(self) -> int:
        """How many bytes the folder holds by now; what others wrote or removed counts from here on."""
        with suppress(OSError):
            found = bytes_in(self._folder)
            with self._lock:
                self._elsewhere = found - (self._segment.size if self._segment else 0)
        return max(0, self._elsewhere)

    def close(self) -> None:
        """Finish the segment and take no more."""
        with self._lock:
            segment, self._segment = self._segment, None
        if segment is None:
            return
        if segment.size <= len(self._opening):
            segment.path.unlink(missing_ok=True)
        segment.finish()

    @property
    def waits(self) -> bool:
        """Whether segments of this worker have yet to be written to the database."""
        self._own = [path for path in self._own if path.exists()]
        return bool(self._own)

    def _new_segment(self) -> "_Segment":
        segment = _Segment(self._folder, self._opening)
        self._own = [path for path in self._own if path.exists()] + [segment.path]
        return segment


class _Segment:
    """One file, locked by its worker from before it has its name."""

    def __init__(self, folder: Path, opening: bytes) -> None:
        # by time: a database takes ascending keys more quickly than those by chance
        self.path = folder / f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}{SEGMENT}"
        self.size = 0
        self._began = time.monotonic()
        partial = self.path.with_suffix(UNFINISHED)
        self._file = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self.append(opening)
            partial.rename(self.path)
            _sync(folder)
        except OSError:
            os.close(self._file)
            partial.unlink(missing_ok=True)
            raise

    def is_due(self, opening: int) -> bool:
        """Whether it holds entries and has become long or old."""
        old = time.monotonic() - self._began > SEGMENT_SECONDS
        return self.size > opening and (old or self.size > SEGMENT_BYTES)

    def append(self, frame: bytes) -> None:
        """Write all of it, or nothing."""
        written = os.write(self._file, frame)
        if written != len(frame):
            os.ftruncate(self._file, self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += written

    def finish(self) -> None:
        """Bring it to the disk and unlock it."""
        try:
            os.fsync(self._file)
        finally:
            os.close(self._file)


def bytes_in(folder: Path) -> int:
    """How many bytes of answers lie there, whoever wrote them."""
    found = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((SEGMENT, SET_ASIDE)):
                with suppress(FileNotFoundError):
                    found += entry.stat().st_size
    return found


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
