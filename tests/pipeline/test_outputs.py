"""Outputs are addressed by all that they depend on, and what is there is whole."""

import multiprocessing
import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from fraud_detection_api.atomic import make_once, remove_partials, whole_path
from fraud_detection_api.pipeline.code_version import code_version
from fraud_detection_api.pipeline.outputs import (
    DonePart,
    address_of,
    done_part,
    finish,
    finished_output,
    make_folder,
    put_record,
    raw_digest,
    sha256_of,
)
from fraud_detection_api.pipeline.parameters import RunParameters
from fraud_detection_api.pipeline.step import Part
from fraud_detection_api.run_errors import RawOrdersMissing
from tests.pipeline.small_steps import STEPS, STEPS_HERE
from tests.running_service import eventually

SCATTER = STEPS[1]
PARAMETERS = RunParameters(seed=1, partitions=4)


def address(
    parameters: RunParameters = PARAMETERS, digest: str = "orders", code: str = "code", occasion: str = ""
) -> str:
    """Of the scattered orders, with something else than usual."""
    return address_of(SCATTER, {"make": digest}, parameters.plain(), code, occasion)


def test_what_an_output_depends_on_gives_it_another_address_and_nothing_else_does() -> None:
    others = [
        address(replace(PARAMETERS, seed=2)),
        address(replace(PARAMETERS, partitions=5)),
        address(digest="other orders"),
        address(code="other code"),
        address(occasion="a run"),
    ]
    assert address(replace(PARAMETERS, gap_days=99, customers=7)) == address()
    assert len({address(), *others}) == len(others) + 1


def test_the_code_version_is_the_same_in_every_process_and_knows_a_teams_own_steps() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as elsewhere:
        assert elsewhere.apply(code_version, (STEPS_HERE,)) == code_version(STEPS_HERE)
    assert len(code_version(STEPS_HERE)) == 16


def written(folder: Path, name: str, content: bytes) -> DonePart:
    """A part as it is done."""
    path = folder / name
    with whole_path(path) as partial:
        partial.write_bytes(content)
        done = DonePart(name, len(content), 0.5, len(content), sha256_of(partial))
        put_record(folder, done)
    return done


def test_an_output_is_finished_once_it_says_so_and_as_long_as_its_files_are_whole(tmp_path: Path) -> None:
    make_folder(tmp_path)
    second, first = written(tmp_path, "b.parquet", b"second"), written(tmp_path, "a.parquet", b"first")
    assert done_part(tmp_path, Part("a.parquet")) == first
    assert finished_output(tmp_path) is None
    finished = finish(tmp_path, SCATTER, (second, first))
    assert finished_output(tmp_path) == finished
    assert (finished.rows, finished.seconds, finished.files) == (11, 1.0, (first, second))
    (tmp_path / "a.parquet").write_bytes(b"cut")
    assert done_part(tmp_path, Part("a.parquet")) is None
    assert finished_output(tmp_path) is None


def test_the_digest_is_that_of_the_contents_however_long_they_took(tmp_path: Path) -> None:
    digests = []
    for name, seconds in (("one", 1.0), ("two", 2.0)):
        make_folder(tmp_path / name)
        done = replace(written(tmp_path / name, "a.parquet", b"the same"), seconds=seconds)
        digests.append(finish(tmp_path / name, SCATTER, (done,)).digest)
    assert digests[0] == digests[1]


def _begin(path: Path) -> None:
    with whole_path(path) as partial:
        partial.write_bytes(b"half")
        signal.pause()


def test_a_part_whose_process_was_killed_is_not_there_and_the_next_try_leaves_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    process = multiprocessing.get_context("spawn").Process(target=_begin, args=(path,))
    process.start()
    eventually(lambda: any(tmp_path.glob(".part.parquet.*.part/part.parquet")))
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert not path.exists()
    with whole_path(path) as partial:
        partial.write_bytes(b"whole")
    assert [each.name for each in tmp_path.rglob("*")] == ["part.parquet"]
    assert path.read_bytes() == b"whole"


def test_what_was_begun_and_removed_is_never_made_whole(tmp_path: Path) -> None:
    with ExitStack() as stack:
        partial = stack.enter_context(whole_path(tmp_path / "part.parquet"))
        partial.write_bytes(b"half")
        remove_partials(tmp_path)
        with pytest.raises(FileNotFoundError):
            partial.write_bytes(b"again")
        with pytest.raises(FileNotFoundError):
            stack.close()
    assert list(tmp_path.rglob("*")) == []


def test_raw_orders_are_known_by_their_contents(tmp_path: Path) -> None:
    with pytest.raises(RawOrdersMissing, match=str(tmp_path)):
        raw_digest(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"orders")
    digest = raw_digest(tmp_path)
    (tmp_path / ".hidden").write_bytes(b"nothing")
    assert raw_digest(tmp_path) == digest
    (tmp_path / "a.parquet").write_bytes(b"other orders")
    assert raw_digest(tmp_path) != digest


def test_of_several_that_make_a_file_once_at_once_the_first_ones_stays(tmp_path: Path) -> None:
    file = tmp_path / "secret"

    def made(number: int) -> bytes:
        make_once(file, str(number).encode(), 0o600)
        return file.read_bytes()

    with ThreadPoolExecutor(8) as threads:
        seen = set(threads.map(made, range(64)))
    assert len(seen) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_vanishes_while_left_overs_are_removed_ends_nothing(tmp_path: Path) -> None:
    """Parts that were at work end meanwhile, and take their own folders along."""
    is_over = threading.Event()

    def work(number: int) -> None:
        while not is_over.is_set():
            place = tmp_path / "output" / f".{number}.part"
            place.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(place, ignore_errors=True)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for each in workers:
        each.start()
    try:
        for _ in range(300):
            remove_partials(tmp_path)
    finally:
        is_over.set()
        for each in workers:
            each.join()
    remove_partials(tmp_path)
    assert not [*tmp_path.rglob(".*.part")]
