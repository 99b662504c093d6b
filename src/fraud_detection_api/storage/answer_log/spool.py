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

from fraud_detection_api.atomic import sync
from fraud_detection_api.errors import AnswersCannotBeKept, SpoolUnusable

SEGMENT, UNFINISHED, SET_ASIDE = ".spool", ".part", ".refused"
SEGMENT_BYTES, SEGMENT_SECONDS = 16_000_000, 1.0
MARK = b"KEPT"
_PLAIN = struct.Struct("<4sII")  # a mark, the length of the content, and its checksum
_CHECKED = struct.Struct("<I")  # the checksum of those three: a wrong length must not pass for a cut-off entry
HEAD_BYTES = _PLAIN.size + _CHECKED.size
LEFT_OVER_SECONDS = 60.0
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


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
        self.vanished = 0  # entries whose file somebody has removed under the worker
        self._folder = folder
        self._most_bytes = most_bytes
        self._opening = framed(opening)
        self._lock = Lock()
        self._segment: _Segment | None = None
        self._why_none = ""
        self._is_closed = False
        self._elsewhere = 0
        self._last: Path | None = None  # of the finished ones; what lies there is written in their order
        self._longest_seconds = SEGMENT_SECONDS
        try:
            self._change()
        except OSError as error:
            if error.errno not in NO_ROOM:  # on a full disk others may make room
                raise SpoolUnusable(folder, error.strerror or type(error).__name__) from None
        self.look()

    def append(self, content: bytes) -> None:
        """Keep an entry; once this returns, the end of the process cannot undo it."""
        frame = framed(content)
        with self._lock:
            segment = self._segment
            if segment is None:
                raise AnswersCannotBeKept(self._why_none)
            if self._elsewhere + segment.size + len(frame) > self._most_bytes:
                raise AnswersCannotBeKept("the spool is full")
            try:
                segment.append(frame)
            except OSError as error:
                raise AnswersCannotBeKept(error.strerror or type(error).__name__) from None
            if segment.size > SEGMENT_BYTES:
                self.has_much.set()

    def roll(self) -> None:
        """Finish a segment that is long or old enough and begin another; bring one that goes on to the disk."""
        segment = self._segment
        if segment is None or segment.has_vanished:
            self._change()
            return
        if not self.waits:
            self._longest_seconds = SEGMENT_SECONDS
        is_old = segment.age > self._longest_seconds
        if segment.entries and (is_old or segment.size > SEGMENT_BYTES):
            self._change()
            if is_old:  # as long as nobody takes them, each lasts twice as long: they must not become many
                self._longest_seconds *= 2
        else:
            segment.bring_to_disk()

    def look(self) -> int:
        """How many bytes wait in the folder by now; what others wrote or removed counts from here on."""
        with suppress(OSError):
            found = bytes_in(self._folder)
            with self._lock:
                self._elsewhere = max(0, found - (self._segment.size if self._segment else 0))
        with self._lock:
            return self._elsewhere + (self._segment.size - len(self._opening) if self._segment else 0)

    def close(self) -> None:
        """Finish the segment and take no more."""
        self._is_closed = True
        self._why_none = "the service is ending"
        self._change()

    @property
    def waits(self) -> bool:
        """Whether the last segment that this worker has finished has yet to be written to the database."""
        return self._last is not None and self._last.exists()

    def _change(self) -> None:
        """Finish the segment and begin another; on a full disk none, where what is finished alone can make room."""
        fresh, trouble = None, None
        try:
            fresh = None if self._is_closed else _Segment(self._folder, self._opening)
        except OSError as error:
            if self._segment is not None and not self._segment.has_vanished and error.errno not in NO_ROOM:
                raise
            trouble = error
            self._why_none = error.strerror or type(error).__name__
        with self._lock:
            finished, self._segment = self._segment, fresh
            self.has_much.clear()  # an append in between would set it for a segment that is no longer there
            self._elsewhere += finished.size if finished else 0
        if finished is not None:
            self._last = finished.path
            if finished.has_vanished:
                self.vanished += finished.entries
            elif not finished.entries:
                finished.path.unlink()
            finished.finish()
        if trouble is not None:
            raise trouble


class _Segment:
    """One file, locked by its worker from before it has its name."""

    def __init__(self, folder: Path, opening: bytes) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # by time: a database takes ascending keys more quickly than those by chance
        self.path = folder / f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}{SEGMENT}"
        self.size = 0
        self.entries = -1  # the opening is none
        self._began = self._on_disk_at = time.monotonic()
        self._on_disk = 0
        partial = self.path.with_suffix(UNFINISHED)
        self._file = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self.append(opening)
            partial.rename(self.path)
            sync(folder)
        except OSError:
            os.close(self._file)
            partial.unlink(missing_ok=True)
            raise

    @property
    def age(self) -> float:
        """Seconds since it was begun."""
        return time.monotonic() - self._began

    @property
    def has_vanished(self) -> bool:
        """Whether somebody has removed the file."""
        return os.fstat(self._file).st_nlink == 0

    def append(self, frame: bytes) -> None:
        """Write all of it, or nothing."""
        written = os.write(self._file, frame)
        if written != len(frame):
            os.ftruncate(self._file, self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += written
        self.entries += 1

    def bring_to_disk(self) -> None:
        """What was appended so far, once a second."""
        size, now = self.size, time.monotonic()
        if self.entries and size > self._on_disk and now - self._on_disk_at > SEGMENT_SECONDS:
            os.fsync(self._file)
            self._on_disk, self._on_disk_at = size, now

    def finish(self) -> None:
        """Bring it to the disk and unlock it."""
        try:
            os.fsync(self._file)
        finally:
            os.close(self._file)


def bytes_in(folder: Path) -> int:
    """How many bytes of answers lie there, whoever wrote them."""
    found = 0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((SEGMENT, SET_ASIDE)):
                with suppress(FileNotFoundError):
                    found += entry.stat().st_size
    return found
