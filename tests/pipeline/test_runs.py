"""fraud pipeline: runs as commands, alone and beside others, killed and cancelled."""

import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.pipelines import FRAUD, PARTS, SMALL, Pipeline, killed
from tests.pipeline.small_steps import BROKEN_SEED, REFUSED_SEED


def test_a_run_does_every_step_and_says_what_came_of_it(pipeline: Pipeline) -> None:
    ended = pipeline.do("run", *SMALL)
    assert ended.returncode == 0, ended.stderr
    found = pipeline.run()
    assert [(step.name, step.done, step.of) for step in found.steps] == [
        ("make", 6, 6),
        ("scatter", 4, 4),
        ("sum", 4, 4),
        ("judge", 1, 1),
    ]
    assert found.steps[1].rows == 2_400
    assert found.run.verdict is not None
    assert found.run.verdict["models"] == "models"
    assert "models" not in found.run.parameters
    said = ended.stdout.splitlines()
    assert [line.partition(" after ")[0] for line in said if line.startswith("Run ")] == [
        f"Run {found.run.id} finished"
    ]
    assert said[-3:-1] == ["The gate passed.", "models: models"]
    assert len(pipeline.done()) == PARTS
    assert pipeline.partials() == []


def test_the_same_again_finds_all_that_reaches_nowhere_outside(pipeline: Pipeline) -> None:
    pipeline.do("run", *SMALL)
    before = pipeline.digests()
    pipeline.do("run", *SMALL)
    assert pipeline.states() == ["finished", "finished"]
    assert pipeline.digests() == before
    again = {part for part, times in pipeline.done().items() if times == 2}
    assert again == {"judge/verdict.json"}


def test_other_parameters_make_only_what_depends_on_them(pipeline: Pipeline) -> None:
    pipeline.do("run", *SMALL)
    pipeline.do("run", *SMALL[:-1], "5", "--gap-days", "3")
    assert [step.found for step in pipeline.run().steps] == [6, 0, 0, 0]


def test_raw_orders_stand_for_the_sample_and_changed_ones_are_other_ones(pipeline: Pipeline) -> None:
    pipeline.do("run", *SMALL)
    raw = pipeline.root / "raw"
    made = next(pipeline.folder.glob("outputs/make-*"))
    made.rename(raw)
    ended = pipeline.do("run", "--raw", str(raw), *SMALL)
    assert ended.returncode == 0, ended.stderr
    found = pipeline.run()
    assert (found.run.kind, found.run.raw) == ("submit", str(raw))
    assert [(step.name, step.found) for step in found.steps] == [("scatter", 0), ("sum", 4), ("judge", 0)]
    (raw / "make-005.parquet").unlink()
    pipeline.do("run", "--raw", str(raw), *SMALL)
    assert pipeline.run().steps[0].rows == 2_000


def test_raw_orders_that_are_not_there_fail_the_run_in_one_line(pipeline: Pipeline) -> None:
    ended = pipeline.do("run", "--raw", str(pipeline.root / "nothing"), *SMALL)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (
        2,
        f"fraud: There is no file of raw orders in {pipeline.root}/nothing.",
    )
    assert pipeline.states() == ["failed"]


@pytest.mark.parametrize(
    ("seed", "why"), [(REFUSED_SEED, "Orders of seed 13 are refused."), (BROKEN_SEED, "ValueError at small_steps.py:")]
)
def test_an_error_ends_a_run_and_is_told_with_its_step(pipeline: Pipeline, seed: int, why: str) -> None:
    ended = pipeline.do("run", *SMALL, "--seed", str(seed))
    found = pipeline.run()
    assert (ended.returncode, found.run.state, found.run.error_step) == (2, "failed", "scatter"), ended.stderr
    assert [step.state for step in found.steps] == ["finished", "failed", "waiting", "waiting"]
    assert re.match(rf"Step scatter failed at scatter-00[01]\.parquet: {re.escape(why)}", str(found.run.error))
    assert ended.stderr.splitlines()[-1] == f"fraud: {found.run.error}"
    assert "4711" not in ended.stderr
    assert pipeline.partials() == []
    shown = pipeline.do("show").stdout
    assert f"FAILED  scatter: {found.run.error}" in shown


@pytest.mark.parametrize("dask", ["none", "local"])
def test_a_killed_run_goes_on_from_its_finished_parts(tmp_path: Path, dask: str) -> None:
    undisturbed = Pipeline(tmp_path / "undisturbed", {"dask": dask})
    undisturbed.root.mkdir()
    undisturbed.do("run", *SMALL)
    pipeline = Pipeline(tmp_path, {"dask": dask})
    pipeline.do("step", "make", *SMALL)
    process = pipeline.held(*SMALL)
    killed(process)
    assert pipeline.states() == ["running"]
    pipeline.hold.unlink()
    assert "queued" in pipeline.do("list").stdout
    first = pipeline.run().run.id
    ended = pipeline.do("run", *SMALL)
    assert ended.returncode == 0, ended.stderr
    assert (pipeline.run().run.id, pipeline.states()) == (first, ["finished"])
    assert pipeline.digests() == undisturbed.digests()
    assert sum(pipeline.done().values()) <= PARTS + 2  # the parts that ran when it was killed
    assert pipeline.partials() == []


def test_two_processes_never_work_in_one_data_folder(pipeline: Pipeline) -> None:
    first = pipeline.held(*SMALL)
    second = pipeline.do("run", *SMALL, "--seed", "5")
    assert second.returncode == 5
    assert "Another run is at work in" in second.stderr
    assert pipeline.do("clean", "--yes").returncode == 5
    pipeline.hold.unlink()
    first.communicate()
    assert first.returncode == 0
    assert pipeline.states() == ["queued", "finished"]
    pipeline.do("resume")
    assert pipeline.states() == ["finished", "finished"]


def test_cancelling_from_another_process_leaves_nothing_half_made(pipeline: Pipeline) -> None:
    process = pipeline.held(*SMALL)
    cancelled = pipeline.do("cancel")
    assert cancelled.stdout.endswith(" is cancelled\n")
    _, words = process.communicate()
    assert (process.returncode, words.splitlines()[-1]) == (4, f"fraud: Run {pipeline.run().run.id} was cancelled.")
    assert pipeline.partials() == []
    assert pipeline.states() == ["cancelled"]
    pipeline.hold.unlink()
    assert pipeline.do("resume", "last").returncode == 0
    assert pipeline.states() == ["finished"]


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_ending_the_process_is_not_cancelling_the_run(pipeline: Pipeline, sign: signal.Signals) -> None:
    process = pipeline.held(*SMALL)
    os.kill(process.pid, sign)
    process.communicate()
    assert process.returncode == 128 + sign
    assert (pipeline.states(), pipeline.partials()) == (["queued"], [])
    pipeline.hold.unlink()
    pipeline.do("resume")
    assert pipeline.states() == ["finished"]


def test_each_step_can_be_done_by_itself_in_any_process(pipeline: Pipeline) -> None:
    early = pipeline.do("step", "sum", *SMALL)
    assert (early.returncode, "`fraud pipeline step make` makes it" in early.stderr) == (2, True)
    for name in ("make", "scatter", "sum", "judge"):
        made = Path(pipeline.do("step", name, *SMALL).stdout.strip())
        assert (made.parent, made.name.startswith(name)) == (pipeline.folder / "outputs", True)
    pipeline.do("step", "judge", *SMALL)
    assert set(pipeline.done().values()) == {1}
    pipeline.do("step", "judge", "--again", *SMALL)
    assert pipeline.done()["judge/verdict.json"] == 2
    unknown = pipeline.do("step", "features", *SMALL)
    assert "There is no step 'features'; there are: make, scatter, sum, judge." in unknown.stderr


def test_old_outputs_are_named_and_then_deleted_and_no_others(pipeline: Pipeline) -> None:
    pipeline.do("run", *SMALL)
    old = {step.output for step in pipeline.run().steps}
    pipeline.do("run", *SMALL, "--seed", "2")
    said = pipeline.do("clean").stdout
    assert {line.split()[0] for line in said.splitlines()[:-1]} == old
    assert "4 outputs" in said.splitlines()[-1]
    assert len(list((pipeline.folder / "outputs").iterdir())) == 8
    pipeline.do("clean", "--yes")
    left = {path.name for path in (pipeline.folder / "outputs").iterdir()}
    assert left == {step.output for step in pipeline.run().steps}
    assert pipeline.do("clean").stdout.startswith("0 outputs")


def test_a_parameter_out_of_bounds_is_refused_before_anything_is_queued(pipeline: Pipeline) -> None:
    assert pipeline.do("run", "--partitions", "0").returncode == 2
    assert not pipeline.folder.exists()


def test_a_file_that_was_cut_is_made_again(pipeline: Pipeline) -> None:
    pipeline.do("run", *SMALL)
    before = pipeline.digests()
    part = next(pipeline.folder.glob("outputs/scatter-*/scatter-002.parquet"))
    part.write_bytes(b"cut")
    pipeline.do("run", *SMALL)
    assert pipeline.digests() == before
    assert [step.found for step in pipeline.run().steps] == [6, 3, 4, 0]


def test_on_a_terminal_each_step_has_a_bar_with_its_parts_and_rows(pipeline: Pipeline) -> None:
    ours, theirs = pty.openpty()
    variables = pipeline.variables() | {"TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [*FRAUD, "run", *SMALL], env=variables, cwd=pipeline.root, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", b"".join(iter(lambda: read(ours), b"")).decode())
    assert process.wait() == 0
    for name, parts in (("1/4 make", "6/6"), ("2/4 scatter", "4/4"), ("3/4 sum", "4/4"), ("4/4 judge", "1/1")):
        assert re.search(rf"{name} .*{parts} [\d,]+ rows", shown), shown


def read(terminal: int) -> bytes:
    """What was shown next; nothing once nobody shows anything any more."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
