"""The journal on every database: what is asked for, who does it, what is left of those that died."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fraud_detection_api.pipeline.cleaning import remove_old_outputs
from fraud_detection_api.pipeline.data_folder import DataFolder, FolderOptions
from fraud_detection_api.pipeline.loaded import LoadedHistories, loaded_histories, note_loaded
from fraud_detection_api.pipeline.parameters import RunParameters
from fraud_detection_api.pipeline.running import new_run, queued
from fraud_detection_api.run_errors import JournalUnavailable, PipelineBusy, RunHasEnded, TooManyRuns, UnknownRun
from fraud_detection_api.schemas.runs import Run, RunState, StepRecord, StepState
from fraud_detection_api.storage.journal.journal_database import JournalDatabase, JournalOptions
from fraud_detection_api.storage.journal.run_journal import MOST_QUEUED
from fraud_detection_api.use_cases.orders import ORDERS
from tests.storage.databases import DATABASES, store_place
from tests.storage.test_databases import SERVERS

PARAMETERS = RunParameters(seed=3)


@pytest.fixture(params=DATABASES)
def options(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FolderOptions]:
    """A data folder with a journal in each database."""
    with store_place(request.param, tmp_path) as place:
        url = "" if place.kind == "sqlite" else place.url
        yield FolderOptions(tmp_path / "pipeline", url, place.project)


@pytest.fixture
def folder(options: FolderOptions) -> Iterator[DataFolder]:
    """The folder, opened."""
    with closing(DataFolder(options)) as folder:
        yield folder


def asked(folder: DataFolder, seed: int = 3) -> Run:
    """A run that is queued."""
    run = new_run(RunParameters(seed=seed))
    folder.journal.add(run)
    return run


def begun(folder: DataFolder, holder: str = "somebody") -> str:
    """A run that somebody does."""
    run = asked(folder).id
    assert folder.journal.begin(run, holder, ["make", "judge"])
    return run


def test_a_run_is_read_back_as_it_was_asked_for(folder: DataFolder) -> None:
    run = asked(folder)
    assert folder.journal.run(run.id).run == run
    assert folder.journal.run(run.id).steps == ()
    assert folder.journal.runs() == [run]
    with pytest.raises(UnknownRun):
        folder.journal.run("another")


def test_runs_are_listed_newest_first_page_by_page_and_taken_oldest_first(folder: DataFolder) -> None:
    runs = [asked(folder, seed).id for seed in range(5)]
    assert [run.id for run in folder.journal.runs(limit=2)] == [runs[4], runs[3]]
    assert [run.id for run in folder.journal.runs(limit=2, before=runs[3])] == [runs[2], runs[1]]
    assert folder.journal.next_queued() == runs[0]


def test_a_run_and_its_steps_from_beginning_to_end(folder: DataFolder) -> None:
    run = begun(folder)
    assert not folder.journal.begin(run, "another", ["make"])
    step = StepRecord("judge", StepState.FINISHED, 1, 1, 0, 3_000_000_000, 0.25, "judge-1", "digest")
    assert folder.journal.put_step(run, 1, step) is False
    folder.journal.put_verdict(run, {"passed": True, "average_precision": 0.5})
    folder.journal.put_dashboard(run, "http://127.0.0.1:8787/status")
    working = folder.journal.run(run)
    assert (working.run.state, working.steps) == (RunState.RUNNING, (StepRecord("make"), step))
    assert working.run.dashboard == "http://127.0.0.1:8787/status"
    folder.journal.end(run, "somebody", RunState.FINISHED)
    ended = folder.journal.run(run).run
    assert (ended.state, ended.verdict) == (RunState.FINISHED, {"passed": True, "average_precision": 0.5})
    assert ended.created <= ended.started <= ended.ended  # type: ignore[operator]  # neither is None
    with pytest.raises(RunHasEnded):
        folder.journal.cancel(run)
    with pytest.raises(RunHasEnded):
        folder.journal.queue_again(run)


def test_an_error_is_kept_with_its_step_until_the_run_goes_on(folder: DataFolder) -> None:
    run = begun(folder)
    folder.journal.fail_step(run, "make")
    folder.journal.end(run, "somebody", RunState.FAILED, "No space left on device", "make")
    failed = folder.journal.run(run)
    assert (failed.run.error, failed.run.error_step) == ("No space left on device", "make")
    assert failed.steps[0].state is StepState.FAILED
    folder.journal.queue_again(run)
    again = folder.journal.run(run).run
    assert (again.state, again.error, again.error_step, again.ended) == (RunState.QUEUED, None, None, None)


def test_nobody_else_can_end_a_run(folder: DataFolder) -> None:
    run = begun(folder)
    folder.journal.end(run, "another", RunState.FAILED, "not true", "make")
    folder.journal.leave(run, "another")
    assert folder.journal.run(run).run.state is RunState.RUNNING


def test_a_queued_run_is_cancelled_and_a_running_one_is_asked_to_end(folder: DataFolder) -> None:
    run = asked(folder).id
    assert folder.journal.cancel(run) is RunState.CANCELLED
    assert folder.journal.cancel(run) is RunState.CANCELLED
    run = begun(folder)
    assert folder.journal.cancel(run) is RunState.RUNNING
    assert folder.journal.is_cancelling(run)
    assert folder.journal.put_step(run, 0, StepRecord("make")) is True
    with pytest.raises(UnknownRun):
        folder.journal.cancel("another")


def test_the_same_parameters_are_the_same_run_until_it_has_ended(folder: DataFolder) -> None:
    run = queued(folder, PARAMETERS)
    assert queued(folder, PARAMETERS) == run
    assert queued(folder, replace(PARAMETERS, seed=4)) != run
    assert queued(folder, PARAMETERS, Path("raw")) != run
    folder.journal.cancel(run)
    assert queued(folder, PARAMETERS) != run


def test_the_queue_is_bounded(folder: DataFolder) -> None:
    for seed in range(MOST_QUEUED):
        asked(folder, seed)
    with pytest.raises(TooManyRuns):
        asked(folder)


def test_one_at_a_time_works_in_a_folder_and_the_others_are_told(options: FolderOptions, folder: DataFolder) -> None:
    with closing(DataFolder(options)) as other:
        with folder.alone():
            assert not other.is_free()
            with pytest.raises(PipelineBusy, match="Another run is at work"), other.alone():
                pass
        assert other.is_free()
        with other.alone():
            assert not folder.is_free()


@pytest.mark.parametrize("options", SERVERS, indirect=True)
def test_a_server_keeps_machines_apart_that_share_the_folder_without_its_lock(
    options: FolderOptions, folder: DataFolder
) -> None:
    with closing(DataFolder(options)) as other, folder.alone():
        (options.folder / ".lock").unlink()  # what another machine has for itself, on a file system without locks
        assert not other.is_free()
        with pytest.raises(PipelineBusy), other.alone():
            pass


def test_journals_of_two_folders_on_one_server_do_not_mix(options: FolderOptions, folder: DataFolder) -> None:
    asked(folder)
    with closing(DataFolder(replace(options, folder=options.folder.with_name("other")))) as other:
        assert other.journal.runs() == []
        assert other.journal.next_queued() is None
        with folder.alone(), other.alone():
            pass


def test_what_a_dead_process_left_is_queued_again_or_cancelled_and_a_living_one_is_left_alone(
    folder: DataFolder, options: FolderOptions
) -> None:
    run, cancelled = begun(folder), begun(folder)
    folder.journal.cancel(cancelled)
    with closing(DataFolder(options)) as other:
        with folder.alone():
            other.settle()
            assert {each.state for each in other.journal.runs()} == {RunState.RUNNING}
        other.settle()
    assert folder.journal.run(run).run.state is RunState.QUEUED
    assert folder.journal.run(cancelled).run.state is RunState.CANCELLED


def test_what_histories_were_loaded_from_is_never_old(folder: DataFolder) -> None:
    features, raw, other = (folder.outputs / name for name in ("features-1", "make_sample-1", "features-2"))
    for output in (features, raw, other):
        output.mkdir()
    note_loaded(folder.path, ORDERS, LoadedHistories(str(features), str(raw), 16, False, 0.0))
    removed = remove_old_outputs(folder, kept_runs=0, days=0)
    assert [each.name for each in removed] == [other.name]
    assert loaded_histories(folder.path, ORDERS) is not None
    assert raw.is_dir()


def test_a_journal_whose_tables_were_dropped_is_read_again_after_one_refusal(
    folder: DataFolder, options: FolderOptions
) -> None:
    asked(folder)
    url = options.journal or f"sqlite:///{options.folder}"
    with closing(JournalDatabase(JournalOptions(url, options.journal_project))) as somebody:
        for table in (somebody.runs, somebody.steps):
            somebody.write(table.drop)
    with pytest.raises(JournalUnavailable):
        folder.journal.runs()
    assert folder.journal.runs() == []


def test_the_outputs_of_the_latest_finished_runs_are_in_use_and_those_of_runs_that_have_not_ended(
    folder: DataFolder,
) -> None:
    first, second, failed, working = (begun(folder) for _ in range(4))
    for run in (first, second, failed, working):
        folder.journal.put_step(run, 0, StepRecord("make", output=f"make-{run}"))
    for run, state in ((first, RunState.FINISHED), (second, RunState.FINISHED), (failed, RunState.FAILED)):
        folder.journal.end(run, "somebody", state)
    assert {f"make-{second}", f"make-{working}"} <= folder.journal.outputs_in_use(1)
    assert {f"make-{first}", f"make-{failed}"}.isdisjoint(folder.journal.outputs_in_use(1))
    assert f"make-{first}" in folder.journal.outputs_in_use(2)
