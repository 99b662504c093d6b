"""A table as bytes: a file, or a stream that is read once and may not know how long it is."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class TableBytes:
    """Bytes to read a table from; `size` is 0 where nobody knows it, `path` where they lie, if they lie in a file."""

    name: str  # as messages call it
    stream: BinaryIO
    size: int = 0
    compression: str | None = None  # as Arrow calls it
    path: Path | None = None


class CountedStream:
    """A stream that knows how much of it was read; pipes and request bodies cannot tell."""

    closed = False  # Arrow asks for it

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.position = 0

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        piece = self._stream.read(size)
        self.position += len(piece)
        return piece


@contextmanager
def seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The same bytes in a stream that can be read from any place: on the disk for a while, where they are not yet."""
    if stream.seekable():
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield copy
