"""Queued runs: each is done once, in its turn, whichever process is killed meanwhile."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.pipeline.run_processes import MOST_DEATHS
from tests.pipeline.asking import RUNS, asked, state, wait_until
from tests.pipeline.pipelines import PARTS, SMALL, Pipeline, pipeline_service, run_process
from tests.pipeline.small_steps import DEADLY, SLOW
from tests.running_service import RunningService, eventually
from tests.storage.databases import store_place
from tests.storage.private_servers import private_server


def test_runs_are_done_one_at_a_time_in_the_order_in_which_they_came(client: httpx.Client, pipeline: Pipeline) -> None:
    pipeline.hold.touch()
    runs = [asked(client, seed=seed) for seed in range(3)]
    pipeline.at_work(2)
    assert [state(client, run) for run in runs] == ["running", "queued", "queued"]
    listed = client.get(RUNS, params={"limit": 2}).json()
    assert ([run["id"] for run in listed["runs"]], listed["next"]) == ([runs[2], runs[1]], runs[1])
    rest = client.get(RUNS, params={"before": listed["next"]}).json()
    assert ([run["id"] for run in rest["runs"]], rest["next"]) == ([runs[0]], None)
    pipeline.hold.unlink()
    wait_until(client, runs[2], "finished")
    ended = [client.get(f"{RUNS}/{run}").json()["run"]["ended"] for run in runs]
    assert ended == sorted(ended)


def test_what_a_command_queues_the_service_does(service: RunningService, pipeline: Pipeline) -> None:
    run = pipeline.do("submit", "--files", "3", "--orders-per-file", "100").stdout.strip()
    with service.client() as client:
        wait_until(client, run, "finished")


def test_two_services_of_one_data_folder_do_each_run_once(pipeline: Pipeline) -> None:
    with (
        pipeline_service(pipeline) as first,
        pipeline_service(pipeline) as second,
        first.client() as one,
        second.client() as other,
    ):
        runs = [asked(client, seed=seed) for seed, client in enumerate((one, other))]
        for run in runs:
            wait_until(other, run, "finished")
    assert set(pipeline.done().values()) == {len(runs)}


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_service_that_ends_takes_its_run_along_and_the_next_goes_on(pipeline: Pipeline, sign: signal.Signals) -> None:
    with pipeline_service(pipeline) as service, service.client() as client:
        pipeline.hold.touch()
        run, queued = asked(client), asked(client, seed=1)
        pipeline.at_work(2)
        child = run_process(service)
        os.kill(service.process.pid, sign)
        service.process.wait()
        eventually(lambda: not child.is_running())
    assert pipeline.partials() == []
    pipeline.hold.unlink()
    with pipeline_service(pipeline) as service, service.client() as client:
        wait_until(client, run, "finished")
        wait_until(client, queued, "finished")
    assert sum(pipeline.done().values()) <= 2 * PARTS + 2


def test_a_run_whose_process_is_killed_goes_on_without_anybody_doing_anything(
    service: RunningService, client: httpx.Client, pipeline: Pipeline
) -> None:
    pipeline.hold.touch()
    run = asked(client)
    pipeline.at_work(2)
    run_process(service).kill()
    pipeline.hold.unlink()
    wait_until(client, run, "finished")
    assert sum(pipeline.done().values()) <= PARTS + 2
    assert pipeline.partials() == []


def test_a_run_that_kills_its_process_every_time_is_given_up(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path, environment={DEADLY: "scatter"})
    with pipeline_service(pipeline) as service, service.client() as client:
        run = asked(client)
        for death in range(1, MOST_DEATHS + 1):  # each takes as long as a process takes to start
            eventually(partial(has_died, service, death))
        wait_until(client, run, "failed")
        assert "without finishing a part" in client.get(f"{RUNS}/{run}").json()["run"]["error"]
        assert client.get("/ping").status_code == 200


def test_a_run_that_gets_on_does_not_wait_longer_each_time_its_process_is_killed(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path, environment={SLOW: "0.2"})
    with pipeline_service(pipeline) as service, service.client() as client:
        asked(client, files=60)
        for death in range(1, 6):
            eventually(partial(has_done, pipeline, sum(pipeline.done().values()) + 3))
            run_process(service).kill()
            eventually(partial(has_died, service, death))
        killed = time.monotonic()
        run_process(service)
        assert time.monotonic() - killed < 3  # five times without a part finished would have made it 4.8


def has_done(pipeline: Pipeline, parts: int) -> bool:
    """Whether so many parts were made."""
    return sum(pipeline.done().values()) >= parts


def has_died(service: RunningService, times: int) -> bool:
    """Whether so many processes of runs were killed."""
    return sum("exit_code=-9" in line for line in service.log_lines()) >= times


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_with_a_journal_on_a_server(tmp_path: Path, kind: str) -> None:
    with store_place(kind, tmp_path) as place:
        pipeline = Pipeline(tmp_path, {"journal": place.url, "journal_project": place.project})
        with pipeline_service(pipeline) as service, service.client() as client:
            pipeline.hold.touch()
            run = asked(client)
            pipeline.at_work(2)
            run_process(service).kill()
            pipeline.hold.unlink()
            wait_until(client, run, "finished")
        assert pipeline.states() == ["finished"]  # in the journal on the server
        assert sum(pipeline.done().values()) <= PARTS + 2


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_journal_that_is_restarted_ends_no_run(tmp_path: Path, kind: str) -> None:
    with private_server(kind) as server:
        pipeline = Pipeline(tmp_path, {"journal": server.url})
        process = pipeline.held(*SMALL)
        server.stop()
        pipeline.hold.unlink()
        server.start()
        _, words = process.communicate()
        assert process.returncode == 0, words
        assert pipeline.states() == ["finished"]
    assert sum(pipeline.done().values()) == PARTS
