"""The pipeline service: what is asked of it and refused, and how runs are watched and cancelled."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from fraud_detection_api.pipeline_app import MOST_WATCHING
from tests.pipeline.asking import MAKE, RUNS, SMALL, asked, wait_until
from tests.pipeline.pipelines import Pipeline
from tests.pipeline.small_steps import REFUSED_SEED
from tests.running_service import RunningService, eventually

SUBMIT = "/pipeline/submit"


def test_a_run_is_answered_at_once_with_its_address_and_then_done(client: httpx.Client, pipeline: Pipeline) -> None:
    pipeline.hold.touch()
    answer = client.post(MAKE, json=SMALL)
    run = answer.json()["run"]
    assert (answer.status_code, answer.headers["location"]) == (202, f"{RUNS}/{run}")
    assert answer.json() == {"run": run, "state": "queued", "address": f"{RUNS}/{run}"}
    pipeline.hold.unlink()
    wait_until(client, run, "finished")
    found = client.get(answer.headers["location"]).json()
    assert found["run"]["verdict"]["passed"] is True
    assert found["run"]["parameters"]["files"] == 6
    assert [(step["name"], step["done"], step["of"], step["state"]) for step in found["steps"]] == [
        ("make", 6, 6, "finished"),
        ("scatter", 4, 4, "finished"),
        ("sum", 4, 4, "finished"),
        ("judge", 1, 1, "finished"),
    ]
    assert found["steps"][0]["rows"] == 2_400
    outputs = [pipeline.folder / "outputs" / step["output"] for step in found["steps"]]
    assert all(json.loads((output / "_finished.json").read_text())["digest"] for output in outputs)


def test_a_run_is_watched_until_it_ends(client: httpx.Client, pipeline: Pipeline) -> None:
    pipeline.hold.touch()
    run = asked(client)
    pipeline.at_work(2)
    with client.stream("GET", f"{RUNS}/{run}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        seen = []
        for line in answer.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: "))["run"]["state"])
                pipeline.hold.unlink(missing_ok=True)
    assert (seen[0], seen[-1]) == ("running", "finished")


def test_no_more_watch_than_there_is_room_for_and_heads_do_not_watch(
    service: RunningService, client: httpx.Client, pipeline: Pipeline
) -> None:
    pipeline.hold.touch()
    run = asked(client)
    for _ in range(MOST_WATCHING + 1):
        assert client.head(f"{RUNS}/{run}/events").status_code == 200
    with ExitStack() as watchers:
        limits = httpx.Limits(max_connections=None)
        many = watchers.enter_context(httpx.Client(base_url=client.base_url, limits=limits, timeout=client.timeout))
        with ThreadPoolExecutor(MOST_WATCHING + 20) as threads:  # at once: what is counted too late lets more in
            streams = list(threads.map(lambda _: many.stream("GET", f"{RUNS}/{run}/events"), range(MOST_WATCHING + 20)))
            answers = list(threads.map(lambda stream: watchers.enter_context(stream).status_code, streams))
    assert (answers.count(200), answers.count(429)) == (MOST_WATCHING, 20)
    assert not any("Unforeseen" in line for line in service.log_lines())
    eventually(lambda: is_watched(client, run))
    pipeline.hold.unlink()


def is_watched(client: httpx.Client, run: str) -> bool:
    """Whether there is room again for one who watches."""
    with client.stream("GET", f"{RUNS}/{run}/events") as answer:
        return answer.status_code == 200


def test_an_error_is_told_with_its_step_and_the_next_run_begins(client: httpx.Client) -> None:
    broken, whole = asked(client, seed=REFUSED_SEED), asked(client)
    wait_until(client, whole, "finished")
    found = client.get(f"{RUNS}/{broken}").json()
    assert (found["run"]["state"], found["run"]["error_step"]) == ("failed", "scatter")
    assert found["run"]["error"].endswith("Orders of seed 13 are refused.")


def test_a_running_run_is_cancelled_and_so_is_a_queued_one(client: httpx.Client, pipeline: Pipeline) -> None:
    pipeline.hold.touch()
    running, queued = asked(client), asked(client, seed=1)
    pipeline.at_work(2)
    assert client.post(f"{RUNS}/{queued}/cancel", json={}).json()["state"] == "cancelled"
    answer = client.post(f"{RUNS}/{running}/cancel", json={})
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    wait_until(client, running, "cancelled")
    assert pipeline.partials() == []
    pipeline.hold.unlink()
    last = asked(client, seed=2)
    wait_until(client, last, "finished")
    late = client.post(f"{RUNS}/{last}/cancel", json={})
    assert (late.status_code, late.json()["code"]) == (409, "run_has_ended")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_what_a_page_of_another_site_may_post_cancels_nothing(
    client: httpx.Client, pipeline: Pipeline, kind: str
) -> None:
    pipeline.hold.touch()
    run = asked(client)
    pipeline.at_work(2)
    for headers in ({"Content-Type": kind}, {}):
        answer = client.post(f"{RUNS}/{run}/cancel", headers={"Origin": "http://example.org"} | headers)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    pipeline.hold.unlink()
    wait_until(client, run, "finished")


def test_raw_orders_are_taken_from_their_folder_and_from_nowhere_else(client: httpx.Client, pipeline: Pipeline) -> None:
    wait_until(client, asked(client), "finished")
    (pipeline.root / "raw").mkdir()
    next(pipeline.folder.glob("outputs/make-*")).rename(pipeline.root / "raw" / "january")
    answer = client.post(SUBMIT, json={"raw": "january", "partitions": 4})
    wait_until(client, answer.json()["run"], "finished")
    for raw in ("../raw/january", "/etc", ".", "a/b", ""):
        assert client.post(SUBMIT, json={"raw": raw}).status_code == 422
    (pipeline.root / "elsewhere").mkdir()
    (pipeline.root / "raw" / "linked").symlink_to(pipeline.root / "elsewhere")
    for raw in ("february", "linked"):
        missing = client.post(SUBMIT, json={"raw": raw})
        assert (missing.status_code, missing.json()["code"]) == (422, "raw_orders_missing")


@pytest.mark.parametrize(
    ("address", "body", "place"),
    [
        (MAKE, {"files": 0}, ["body", "files"]),
        (MAKE, {"orders_per_file": 10**9}, ["body", "orders_per_file"]),
        (MAKE, {"seed": "1"}, ["body", "seed"]),
        (MAKE, {"new_address_share": 1.5}, ["body", "new_address_share"]),
        (MAKE, {"order": 1}, ["body", "order"]),
        (SUBMIT, {"raw": "january", "files": 3}, ["body", "files"]),
        (SUBMIT, {}, ["body", "raw"]),
    ],
)
def test_parameters_are_bounded_and_unknown_ones_refused(
    client: httpx.Client, address: str, body: dict[str, object], place: list[str]
) -> None:
    answer = client.post(address, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "input_refused")
    assert [each["loc"] for each in answer.json()["detail"]] == [place]
    assert client.get(RUNS).json()["runs"] == []


def test_refusals_have_the_form_that_they_have_everywhere(client: httpx.Client) -> None:
    refused = [
        client.get(f"{RUNS}/20200101-000000-abcdef"),
        client.get(f"{RUNS}/20200101-000000-abcdef/events"),
        client.post(f"{RUNS}/20200101-000000-abcdef/cancel", json={}),
        client.get(RUNS, params={"before": "nothing"}),
        client.post(MAKE, content=b"{", headers={"Content-Type": "application/json"}),
        client.post(MAKE, content=b"{}"),
        client.post(f"{RUNS}/20200101-000000-abcdef/cancel", json={"why": "x" * 20_000}),
        client.post(MAKE, json={"seed": "x" * 20_000}),
        client.get(RUNS, params={"limit": 0}),
        client.get(RUNS, params={"page": 1}),
        client.get("/nowhere"),
    ]
    codes = [(answer.status_code, answer.json()["code"]) for answer in refused]
    assert codes == [
        (404, "unknown_run"),
        (404, "unknown_run"),
        (404, "unknown_run"),
        (404, "unknown_run"),
        (422, "input_refused"),
        (415, "unsupported_media_type"),
        (413, "body_too_large"),
        (413, "body_too_large"),
        (422, "input_refused"),
        (422, "input_refused"),
        (404, "not_found"),
    ]
    assert client.get("/ping").json() == {"message": "Service is up!"}
    assert client.get("/docs").status_code == 200
