"""Files that are seen whole or not at all: written beside their name, and renamed at the end."""

import fcntl
import glob
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn

from fraud_detection_api.errors import DataRefused


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write into that gets its name once everything is on disk, and vanishes on an error or a signal."""
    if path.is_dir():
        raise DataRefused(f"{path} is a folder; name a file to write.")
    try:
        with sigterm_as_exit(), _partial(path) as (partial, file):
            yield file
            _to_disk(file)
            partial.replace(path)
            sync(path.parent)
    except OSError as error:
        raise DataRefused(f"{path} cannot be written: {error.strerror or error}.") from error


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """The same for whoever opens a file by its name: a path to write to, in a folder that vanishes whatever happens."""
    _remove_left_overs(path)
    new, folder = _new_and_partial(path)
    new.mkdir()
    held = os.open(new, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        new.rename(folder)
        yield folder / path.name
        with (folder / path.name).open("r+b") as file:
            _to_disk(file)
        (folder / path.name).replace(path)
        sync(path.parent)
    finally:
        for left in (new, folder):
            shutil.rmtree(left, ignore_errors=True)
        os.close(held)


def remove_partials(root: Path) -> None:
    """Remove all that was begun below a folder; whoever still writes there finds the place gone and makes nothing."""
    for partial in list(_partials(root)):
        gone = partial.with_name(f".{secrets.token_hex(8)}.part")  # what is opened there again is not made again
        with suppress(FileNotFoundError):
            _remove(partial.replace(gone))


def _partials(root: Path) -> Iterator[Path]:
    """All that was begun; what vanishes meanwhile is passed by."""
    for place, folders, names in os.walk(root):
        begun = [name for name in (*folders, *names) if name.startswith(".") and name.endswith(".part")]
        folders[:] = [name for name in folders if name not in begun]
        yield from (Path(place) / name for name in begun)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _partial(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    _remove_left_overs(path)
    new, partial = _new_and_partial(path)
    try:
        with new.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # held until we end, however we end: an unlocked one is a left-over
            new.rename(partial)
            yield partial, file
    finally:
        for left in (new, partial):
            left.unlink(missing_ok=True)


def _new_and_partial(path: Path) -> tuple[Path, Path]:
    """A name until it is locked, and the one after that, by which others look for left-overs of the same file."""
    chance = secrets.token_hex(6)
    return path.with_name(f".{chance}.part"), path.with_name(f".{path.name}.{chance}.part")


def _remove_left_overs(path: Path) -> None:
    for left_over in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):
            held = os.open(left_over, os.O_RDONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(left_over)
            finally:
                os.close(held)


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """SIGTERM would end the process on the spot and leave the partial file behind."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def make_once(path: Path, content: bytes, mode: int = 0o666) -> None:
    """A small file that is never replaced: of several processes that make it at once, the first one's stays."""
    mine = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            _to_disk(file)
        with suppress(FileExistsError):  # somebody else was quicker
            path.hardlink_to(mine)
    finally:
        mine.unlink(missing_ok=True)
    sync(path.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Put a file of a folder that nobody looks into yet on the disk."""
    with path.open("wb") as file:
        file.write(content)
        _to_disk(file)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Put what a folder lists on the disk: a rename is lost with the power otherwise."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
