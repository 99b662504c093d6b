"""The spool where things go wrong around it: a full disk, a folder that is removed, a database that is long away."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest

from fraud_detection_api.errors import AnswersCannotBeKept
from fraud_detection_api.storage.answer_log.segments import finished, segments
from fraud_detection_api.storage.answer_log.spool import SEGMENT_BYTES, Spool

PLENTY = 200_000_000
OPENING = b'{"opening": true}'
LONG = bytes(SEGMENT_BYTES + 1)
FULL_DISK = """
import resource, sys
from pathlib import Path
from fraud_detection_api.errors import AnswersCannotBeKept
from fraud_detection_api.storage.answer_log.spool import SEGMENT_BYTES, Spool
from fraud_detection_api.storage.answer_log.segments import finished, segments
folder, hard = Path(sys.argv[1]), resource.getrlimit(resource.RLIMIT_FSIZE)[1]

def room(some):
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if some else 10, hard))

def tried(step, *given):
    try:
        step(*given)
    except (AnswersCannotBeKept, OSError) as error:
        return type(error).__name__
    return "done"

room(False)
spool = Spool(folder, 100_000_000, b"opening")
print("start:", tried(spool.append, b"first"), tried(spool.roll), len(segments(folder)))
room(True)
print("room:", tried(spool.roll), tried(spool.append, bytes(SEGMENT_BYTES + 1)))
room(False)
print("full:", tried(spool.roll), tried(spool.append, b"third"))
with finished(segments(folder)[0]) as segment:
    print("finished:", [len(content) for _, content in segment.entries()][1:] == [SEGMENT_BYTES + 1])
room(True)
print("again:", tried(spool.roll), tried(spool.append, b"fourth"), len(segments(folder)))
"""


def removed(path: Path) -> bool:
    """Remove a segment if it is finished, as if it were written; whether it was."""
    with finished(path) as segment:
        if segment is not None:
            segment.remove()
        return segment is not None


def test_a_full_disk_ends_no_start_and_what_is_finished_can_make_room(tmp_path: Path) -> None:
    found = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [
        "start: AnswersCannotBeKept OSError 0",
        "room: done done",
        "full: OSError AnswersCannotBeKept",
        "finished: True",
        "again: done done 2",
    ]


def test_appending_while_a_long_segment_is_changed_wakes_nobody_for_ever(tmp_path: Path) -> None:
    spool, over = Spool(tmp_path, PLENTY, OPENING), Event()

    def append() -> None:
        while not over.is_set():
            spool.append(b"small")

    thread = Thread(target=append)
    thread.start()
    for _ in range(5):
        spool.append(LONG)
        spool.roll()
        assert not spool.has_much.is_set()
    over.set()
    thread.join()
    spool.close()


def test_while_nobody_takes_them_segments_stay_few_and_then_go_on_as_before(tmp_path: Path) -> None:
    spool, end = Spool(tmp_path, PLENTY, OPENING), time.monotonic() + 5.5
    while time.monotonic() < end:
        spool.append(b"one")
        spool.roll()
        time.sleep(0.05)
    waiting = segments(tmp_path)
    assert len(waiting) <= 4  # one a second would be six
    waited = spool.waits
    assert [removed(path) for path in waiting].count(False) == 1
    assert (waited, spool.waits) == (True, False)
    time.sleep(1.1)
    spool.append(b"one")
    spool.roll()
    assert removed(waiting[-1])
    spool.close()


def test_a_folder_that_is_removed_is_made_anew_and_what_was_in_it_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder, PLENTY, OPENING)
    spool.append(b"first")
    shutil.rmtree(folder)
    spool.append(b"second")
    spool.roll()
    assert spool.vanished == 2
    spool.append(b"third")
    spool.close()
    assert spool.vanished == 2
    with finished(segments(folder)[0]) as segment:
        assert segment is not None
        assert [content for _, content in segment.entries()] == [OPENING, b"third"]


def test_nothing_is_taken_where_the_folder_cannot_be_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder, PLENTY, OPENING)
    shutil.rmtree(folder)
    folder.write_text("in the way")
    with pytest.raises(FileExistsError):
        spool.roll()
    with pytest.raises(AnswersCannotBeKept, match="File exists"):
        spool.append(b"first")
    folder.unlink()
    spool.roll()
    spool.append(b"second")
    spool.close()
    assert len(segments(folder)) == 1


def test_who_comes_after_the_end_is_told_so(tmp_path: Path) -> None:
    spool = Spool(tmp_path, PLENTY, OPENING)
    spool.close()
    with pytest.raises(AnswersCannotBeKept, match="the service is ending"):
        spool.append(b"late")


def test_what_is_appended_waits_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, PLENTY, OPENING)
    assert spool.look() == 0
    spool.append(bytes(1_000))
    before = spool.look()
    assert before > 1_000
    spool.close()
    assert spool.look() == before + len(OPENING) + 16


def test_nobody_else_may_read_what_waits(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = Spool(tmp_path / "spool", PLENTY, OPENING)
    finally:
        os.umask(before)
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert segments(tmp_path / "spool")[0].stat().st_mode & 0o777 == 0o600
    spool.close()
