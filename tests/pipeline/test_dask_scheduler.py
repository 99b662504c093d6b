"""A run on a Dask scheduler somewhere else: the same outputs, also when scheduler and workers are killed."""

import shutil
from dataclasses import replace
from pathlib import Path

from tests.pipeline.dask_processes import certificate_of, dask_cluster
from tests.pipeline.pipelines import PARTS, SMALL, Pipeline
from tests.running_service import eventually
from tests.storage.test_databases import skip_or_fail


def test_a_scheduler_and_its_workers_do_what_threads_do(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    threads, pipeline = Pipeline(here), Pipeline(there)
    threads.do("run", *SMALL)
    with dask_cluster(there, pipeline.variables()) as cluster:
        pipeline = replace(pipeline, settings={"dask": cluster.address})
        ended = pipeline.do("run", *SMALL)
    assert ended.returncode == 0, ended.stderr
    assert pipeline.digests() == threads.digests()
    assert sum(pipeline.done().values()) == PARTS


def test_a_run_outlives_its_scheduler_and_its_workers(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    with dask_cluster(tmp_path, pipeline.variables()) as cluster:
        pipeline = replace(pipeline, settings={"dask": cluster.address})
        process = pipeline.held(*SMALL)
        cluster.kill()
        pipeline.hold.unlink()
        cluster.start()
        _, words = process.communicate()
    assert process.returncode == 0, words
    assert pipeline.states() == ["finished"]
    assert pipeline.partials() == []
    assert sum(pipeline.done().values()) <= PARTS + 2


def test_a_scheduler_that_goes_while_it_is_asked_for_an_answer_ends_no_run(tmp_path: Path) -> None:
    pipeline, files = Pipeline(tmp_path), 300

    def restart_after(parts: int) -> None:
        eventually(lambda: sum(pipeline.done().values()) >= parts)
        cluster.kill()  # parts this small are asked for all the time
        cluster.start()

    with dask_cluster(tmp_path, pipeline.variables()) as cluster:
        pipeline = replace(pipeline, settings={"dask": cluster.address})
        process = pipeline.start("run", *SMALL, "--files", str(files))
        restart_after(50)
        restart_after(150)
        _, words = process.communicate()
    assert process.returncode == 0, words
    assert sum(pipeline.done().values()) <= files + PARTS + 2 * 2


def test_cancelling_takes_the_place_away_from_workers_that_go_on(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    with dask_cluster(tmp_path, pipeline.variables()) as cluster:
        pipeline = replace(pipeline, settings={"dask": cluster.address})
        process = pipeline.held(*SMALL)
        pipeline.do("cancel")
        process.communicate()
        assert (pipeline.states(), pipeline.partials()) == (["cancelled"], [])
        pipeline.hold.unlink()  # the workers finish what nobody wants
        eventually(lambda: sum(pipeline.done().values()) >= 2)
        pipeline.do("resume", "last")
    assert pipeline.states() == ["finished"]
    assert pipeline.partials() == []


def test_with_certificates_on_both_sides(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        skip_or_fail("openssl makes the certificates: apt-get install openssl")
    files = certificate_of(tmp_path)
    flags = zip(("--tls-ca-file", "--tls-cert", "--tls-key"), files.values(), strict=True)
    pipeline = Pipeline(tmp_path)
    with dask_cluster(tmp_path, pipeline.variables(), tuple(word for pair in flags for word in pair)) as cluster:
        assert cluster.address.startswith("tls://")
        pipeline = replace(pipeline, settings={"dask": cluster.address, **files})
        ended = pipeline.do("run", *SMALL)
    assert ended.returncode == 0, ended.stderr
    assert sum(pipeline.done().values()) == PARTS
