"""The parts of a step, in threads or on Dask: the same files, and an error of the work at once."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from fraud_detection_api.pipeline.code_version import code_version
from fraud_detection_api.pipeline.executing import executor_of
from fraud_detection_api.pipeline.executor import LOCAL, ExecutingOptions, Executor
from fraud_detection_api.pipeline.outputs import DonePart, make_folder
from fraud_detection_api.pipeline.parameters import RunParameters
from fraud_detection_api.pipeline.part_work import PartWork
from fraud_detection_api.run_errors import DaskUnavailable, PartFailed
from tests.pipeline.small_steps import BROKEN_SEED, HOLD, LEDGER, REFUSED_SEED, STEPS_HERE
from tests.running_service import eventually, free_port

SMALL = RunParameters(files=4, orders_per_file=500, customers=50, partitions=2)


@pytest.fixture(scope="module", params=["none", "local"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Each way to do parts on this machine."""
    with closing(executor_of(ExecutingOptions(request.param))) as executor:
        yield executor


def making(folder: Path, code: str = "") -> list[PartWork]:
    """The orders, file by file."""
    make_folder(folder)
    return [
        PartWork(
            STEPS_HERE,
            "make",
            {},
            SMALL.plain(),
            f"make-{number:03}.parquet",
            number,
            str(folder),
            code or code_version(STEPS_HERE),
        )
        for number in range(SMALL.files)
    ]


def scattering(folder: Path, seed: int) -> PartWork:
    """A part that reads orders of that seed."""
    parameters = SMALL.plain() | {"seed": seed}
    inputs, code = {"make": str(folder)}, code_version(STEPS_HERE)
    return PartWork(STEPS_HERE, "scatter", inputs, parameters, "scatter-000.parquet", 0, str(folder), code)


def done_by(executor: Executor, works: list[PartWork]) -> list[DonePart]:
    """Everything, in the order of the files."""
    done = [part for part in executor.run(works) if part is not None]
    return sorted(done, key=lambda part: part.file)


def test_every_part_is_done_and_its_file_is_what_was_said(executor: Executor, tmp_path: Path) -> None:
    done = done_by(executor, making(tmp_path))
    assert [part.file for part in done] == [f"make-{number:03}.parquet" for number in range(4)]
    assert {part.rows for part in done} == {500}
    assert {part.file: part.bytes for part in done} == {
        path.name: path.stat().st_size for path in tmp_path.glob("*.parquet")
    }


def test_threads_and_processes_make_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for name in ("none", "local"):
        with closing(executor_of(ExecutingOptions(name))) as executor:
            digests.append([part.sha256 for part in done_by(executor, making(tmp_path / name))])
    assert digests[0] == digests[1]


def test_an_error_of_the_work_ends_it_at_once_with_the_step_and_the_part(executor: Executor, tmp_path: Path) -> None:
    done_by(executor, making(tmp_path))
    with pytest.raises(PartFailed, match=r"Step scatter failed at scatter-000\.parquet: Orders of seed 13 are refused"):
        list(executor.run([scattering(tmp_path, REFUSED_SEED)]))


def test_an_error_that_nobody_foresaw_names_its_place_and_no_values(executor: Executor, tmp_path: Path) -> None:
    done_by(executor, making(tmp_path))
    with pytest.raises(PartFailed, match=r"ValueError at small_steps.py:\d+$") as failed:
        list(executor.run([scattering(tmp_path, BROKEN_SEED)]))
    assert "4711" not in failed.value.message


def test_a_worker_with_other_code_makes_nothing(executor: Executor, tmp_path: Path) -> None:
    with pytest.raises(PartFailed, match="other code"):
        list(executor.run(making(tmp_path, code="another")))
    assert list(tmp_path.glob("*.parquet")) == []


def test_a_worker_that_does_not_see_the_data_folder_makes_nothing(executor: Executor, tmp_path: Path) -> None:
    works = making(tmp_path / "seen")
    (tmp_path / "seen").rename(tmp_path / "elsewhere")
    with pytest.raises(PartFailed, match="data folder at the same path"):
        list(executor.run(works))
    assert not (tmp_path / "seen").exists()


def test_a_part_whose_worker_is_killed_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold, ledger = tmp_path / "hold", tmp_path / "ledger"
    hold.touch()
    monkeypatch.setenv(HOLD, str(hold))
    monkeypatch.setenv(LEDGER, str(ledger))
    before = workers()
    with closing(executor_of(ExecutingOptions("local"))) as executor:
        running = executor.run(making(tmp_path / "orders"))
        eventually(lambda: next(running) is None and len(list(tmp_path.glob("orders/.*.part/*.parquet"))) == 2)
        os.kill(min(workers() - before), signal.SIGKILL)
        hold.unlink()
        assert len([part for part in running if part is not None]) == 4
    assert sorted(ledger.read_text().split()) == [f"make/make-{number:03}.parquet" for number in range(4)]
    assert not list(tmp_path.glob("orders/.*.part"))


def workers() -> set[int]:
    """The worker processes of this one's clusters."""
    children = psutil.Process().children(recursive=True)
    return {each.pid for each in children if "spawn_main" in " ".join(each.cmdline())}


def test_a_worker_that_is_killed_while_the_cluster_starts_ends_nothing() -> None:
    with ThreadPoolExecutor(1) as beside:
        killing = beside.submit(kill_a_starting_process)
        with closing(executor_of(ExecutingOptions(LOCAL))):
            killing.result()


def kill_a_starting_process() -> None:
    """Kill a process of a cluster before it is one of its workers."""
    eventually(lambda: bool(workers()))
    os.kill(min(workers()), signal.SIGKILL)


def test_a_scheduler_that_is_not_there_is_said_in_one_sentence() -> None:
    with pytest.raises(DaskUnavailable, match=r"No Dask scheduler answers at tcp://127.0.0.1:\d+\."):
        executor_of(ExecutingOptions(f"tcp://127.0.0.1:{free_port()}", patience_seconds=1))


@pytest.mark.parametrize("address", ["yes", "http://scheduler:8786", "tls://scheduler:8786"])
def test_an_address_that_could_never_work_is_refused(address: str) -> None:
    with pytest.raises(DaskUnavailable, match="FRAUD_DASK"):
        ExecutingOptions(address)
