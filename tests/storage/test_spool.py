"""The spool: what was appended is there whatever becomes of the process; what is wrong with a segment is seen."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fraud_detection_api.errors import AnswersCannotBeKept, SpoolUnusable
from fraud_detection_api.storage.answer_log.segments import Segment, finished, remove_left_overs, segments
from fraud_detection_api.storage.answer_log.spool import Spool, bytes_in, framed

PLENTY = 10_000_000
OPENING = b'{"opening": true}'
APPEND = """
import os, signal, sys
from pathlib import Path
from fraud_detection_api.storage.answer_log.spool import Spool
spool = Spool(Path(sys.argv[1]), 10_000_000, b"opening")
for number in range(100):
    spool.append(b"%d" % number)
print("appended", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
APPEND_TO_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from fraud_detection_api.errors import AnswersCannotBeKept
from fraud_detection_api.storage.answer_log.spool import Spool
spool = Spool(Path(sys.argv[1]), 10_000_000, b"opening")
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
kept = 0
for size in [300] * 40 + [20] * 40:
    try:
        spool.append(bytes(size))
        kept += 1
    except AnswersCannotBeKept as error:
        print(error.why, file=sys.stderr)
print(kept)
"""


def only_segment(folder: Path) -> Path:
    """The one segment that is there."""
    (path,) = segments(folder)
    return path


def contents(path: Path) -> list[bytes]:
    """The entries of a finished segment, without its opening."""
    with finished(path) as segment:
        assert segment is not None
        return [content for _, content in segment.entries()][1:]


def read(path: Path) -> tuple[list[bytes], Segment]:
    """The entries of a segment, and what was found wrong with it."""
    with finished(path) as segment:
        assert segment is not None
        return [content for _, content in segment.entries()][1:], segment


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A finished segment of three entries."""
    spool = Spool(tmp_path, PLENTY, OPENING)
    for content in (b"first", b"second", b"third"):
        spool.append(content)
    spool.close()
    return only_segment(tmp_path)


class TestAppending:
    def test_entries_come_back_in_order_and_keep_their_ids(self, written: Path) -> None:
        with finished(written) as segment:
            assert segment is not None
            found = list(segment.entries())
            assert [content for _, content in found] == [OPENING, b"first", b"second", b"third"]
            assert len({entry_id for entry_id, _ in found}) == 4
            assert list(segment.entries()) == found

    def test_a_segment_is_nobody_elses_until_its_worker_has_finished_it(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path, PLENTY, OPENING)
        spool.append(b"one")
        path = only_segment(tmp_path)
        with finished(path) as segment:
            assert segment is None
        spool.close()
        assert spool.waits
        assert contents(path) == [b"one"]

    def test_an_unused_spool_leaves_nothing_behind(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path, PLENTY, OPENING)
        spool.close()
        assert not list(tmp_path.iterdir())
        assert not spool.waits

    def test_workers_share_a_folder_without_meeting(self, tmp_path: Path) -> None:
        spools = [Spool(tmp_path, PLENTY, OPENING) for _ in range(3)]
        for number, spool in enumerate(spools):
            spool.append(b"%d" % number)
        for spool in spools:
            spool.close()
        assert sorted(content for path in segments(tmp_path) for content in contents(path)) == [b"0", b"1", b"2"]

    def test_a_killed_process_has_lost_nothing(self, tmp_path: Path) -> None:
        found = subprocess.run([sys.executable, "-c", APPEND, tmp_path], stdout=subprocess.PIPE, check=False)
        assert (found.returncode, found.stdout) == (-signal.SIGKILL, b"appended\n")
        assert contents(only_segment(tmp_path)) == [b"%d" % number for number in range(100)]

    def test_a_long_segment_is_finished_and_followed_by_another(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path, 100_000_000, OPENING)
        spool.roll()
        first = only_segment(tmp_path)  # an empty one goes on
        spool.append(bytes(17_000_000))
        assert spool.has_much.is_set()
        spool.roll()
        spool.append(b"next")
        assert [len(content) for content in contents(first)] == [17_000_000]
        spool.close()
        assert contents(segments(tmp_path)[1]) == [b"next"]


class TestBounds:
    def test_a_full_spool_takes_no_more_until_somebody_has_made_room(self, tmp_path: Path) -> None:
        other = Spool(tmp_path, PLENTY, OPENING)
        others = only_segment(tmp_path)
        spool = Spool(tmp_path, 3_000, OPENING)
        other.append(bytes(2_000))
        spool.look()
        spool.append(bytes(500))
        with pytest.raises(AnswersCannotBeKept, match="the spool is full"):
            spool.append(bytes(1_000))
        other.close()
        with finished(others) as segment:
            assert segment is not None
            segment.remove()
        spool.look()
        spool.append(bytes(1_000))
        spool.close()
        assert [len(content) for content in contents(only_segment(tmp_path))] == [500, 1_000]

    def test_a_full_disk_leaves_no_half_entry(self, tmp_path: Path) -> None:
        command = [sys.executable, "-c", APPEND_TO_A_FULL_DISK, str(tmp_path)]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        assert found.stderr
        kept, segment = read(only_segment(tmp_path))
        assert len(kept) == int(found.stdout) > 30
        assert 20 in map(len, kept)  # a smaller one found room after the first refusal
        assert not segment.is_torn
        assert not segment.damaged

    def test_what_was_set_aside_still_takes_room(self, written: Path) -> None:
        before = bytes_in(written.parent)
        with finished(written) as segment:
            assert segment is not None
            segment.set_aside()
        assert bytes_in(written.parent) == before > 0

    def test_a_folder_that_cannot_be_one_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(SpoolUnusable, match="FRAUD_SPOOL"):
            Spool(tmp_path / "file", PLENTY, OPENING)


class TestFaults:
    def test_an_entry_that_was_cut_off_anywhere_is_torn_and_the_others_stay(self, written: Path) -> None:
        whole = written.read_bytes()
        for missing in range(1, len(framed(b"third"))):
            written.write_bytes(whole[:-missing])
            found, segment = read(written)
            assert found == [b"first", b"second"]
            assert (segment.is_torn, segment.damaged) == (True, 0)

    def test_no_changed_byte_passes_unseen(self, written: Path) -> None:
        whole, last = written.read_bytes(), len(framed(b"third"))
        for place in range(len(whole) - len(framed(b"second")) - last, len(whole)):
            written.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            found, segment = read(written)
            assert (segment.is_torn, segment.damaged) == (False, 1)
            assert set(found) < {b"first", b"second", b"third"}

    def test_a_damaged_content_hides_none_of_the_others(self, written: Path) -> None:
        written.write_bytes(written.read_bytes().replace(b"second", b"sacond"))
        found, segment = read(written)
        assert found == [b"first", b"third"]
        assert segment.damaged == 1

    def test_a_segment_without_a_name_is_removed_once_it_is_old(self, tmp_path: Path) -> None:
        fresh, old = tmp_path / "a.part", tmp_path / "b.part"
        fresh.touch()
        old.touch()
        os.utime(old, (0, 0))
        remove_left_overs(tmp_path)
        assert list(tmp_path.iterdir()) == [fresh]
