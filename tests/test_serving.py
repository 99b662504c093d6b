"""The service in production: reloads under load, several workers, bad bundles, signals, no compiler."""

import json
import os
import random
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

import fraud_detection_api
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.model.kinds.xgboost import XGBOOST
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.model.xgboost_library import LibraryModel
from fraud_detection_api.services.answers import Scored, short_answer, whole
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.examples import body_of, good_rows, records_of, slow_body_of
from tests.running_service import RunningService, SlowPost, eventually, running_service
from tests.small_models import SmallModel, promoted

NAME, PATH = CREDIT_ACCOUNTS.name, "/fraud_detection"
ROWS = good_rows(CREDIT_ACCOUNTS, 300, seed=21)
BODIES = (body_of(ROWS[:1]), body_of(ROWS), slow_body_of(ROWS))
JSON = {"Content-Type": "application/json"}
OFTEN = {"reload_seconds": 0.05}
TRAIN_ONE = "train one with `fraud train credit_accounts`"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """The registry that a service in tmp_path serves from."""
    return Registry(tmp_path / "models")


def version_of(client: httpx.Client) -> str:
    """The version that scores the next request."""
    return client.post(PATH, content=BODIES[0], headers=JSON).headers["X-Model-Version"]


class TestHotReload:
    def test_under_load_fails_no_request_and_mixes_no_models(
        self, tmp_path: Path, registry: Registry, credit_model: SmallModel, other_credit_model: SmallModel
    ) -> None:
        models = {promoted(registry, model): model for model in (other_credit_model, credit_model)}
        expected = {(version, body): answer_of(models[version], body) for version in models for body in BODIES}
        with running_service(tmp_path, OFTEN) as service:
            clients = [LoadingClient(service) for _ in range(4)]
            for client in clients:
                client.start()
            promote_and_roll_back_at_random(registry, list(models), lambda: sum(len(each.found) for each in clients))
            for client in clients:
                client.stop()
        found = [one for client in clients for one in client.found]
        assert Counter(status for status, _, _, _ in found) == {200: len(found)}
        assert {version for _, version, _, _ in found} == set(models)
        for _, version, body, answer in found:
            assert answer == expected[version, body]

    def test_reaches_every_worker(
        self, tmp_path: Path, registry: Registry, credit_model: SmallModel, other_credit_model: SmallModel
    ) -> None:
        first = promoted(registry, credit_model)
        with running_service(tmp_path, {"workers": 2}) as service, ExitStack() as stack:
            by_worker = clients_of_every_worker(service, stack)
            assert {version_of(client) for client in by_worker.values()} == {first}
            second = promoted(registry, other_credit_model)
            for client in by_worker.values():
                eventually(lambda client=client: version_of(client) == second)  # type: ignore[misc]
            assert registry.rollback(NAME) == first
            for client in by_worker.values():
                eventually(lambda client=client: version_of(client) == first)  # type: ignore[misc]

    def test_refuses_a_champion_that_was_tampered_with_and_goes_on(
        self, tmp_path: Path, registry: Registry, credit_model: SmallModel, other_credit_model: SmallModel
    ) -> None:
        good = promoted(registry, credit_model)
        with running_service(tmp_path, OFTEN | {"log_json": True}) as service, service.client() as client:
            bad = registry.publish(NAME, other_credit_model.files)
            path = registry.root / NAME / "versions" / bad / "model.json"
            content = path.read_bytes()
            path.write_bytes(content[:1_000] + bytes([content[1_000] ^ 1]) + content[1_001:])
            registry.promote(NAME, bad)
            eventually(lambda: client.get("/ready").json()["models"][0]["refused_bundles"] == 1)
            assert version_of(client) == good
            assert client.get("/ready").json()["models"][0]["version"] == good
            (line,) = (line for line in service.json_log() if line["level"] == "ERROR")
            assert line["use_case"] == NAME
            assert bad in str(line["message"])
            assert "model.json was changed" in str(line["message"])
            better = promoted(registry, other_credit_model)
            eventually(lambda: version_of(client) == better)


@dataclass
class LoadingClient:
    """A client in a thread that posts without a pause and keeps status, version, body and answer."""

    service: RunningService
    found: list[tuple[int, str, bytes, bytes]] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._post)
        self._thread.start()

    def stop(self) -> None:
        """Finish the request in flight, and end."""
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def _post(self) -> None:
        choose = random.Random(id(self))
        with self.service.client() as client:
            while not self._stopped.is_set():
                body = choose.choice(BODIES)
                answer = client.post(PATH, content=body, headers=JSON)
                version = answer.headers.get("X-Model-Version", "")
                self.found.append((answer.status_code, version, body, answer.content))


def promote_and_roll_back_at_random(registry: Registry, versions: list[str], answers: Callable[[], int]) -> None:
    """Change the champion 20 times, with some requests answered in between."""
    choose = random.Random(5)
    for _ in range(20):
        before = answers()
        if choose.random() < 0.4 and registry.aliases(NAME).past_champions:
            registry.rollback(NAME)
        else:
            champion = registry.aliases(NAME).champion
            registry.promote(NAME, next(version for version in versions if version != champion))
        enough = before + choose.randrange(5, 30)
        eventually(lambda enough=enough: answers() >= enough)  # type: ignore[misc]


def answer_of(model: SmallModel, body: bytes) -> bytes:
    """The bytes that this model answers to one of the bodies, from the library's own probabilities."""
    rows = ROWS[:1] if body == BODIES[0] else ROWS
    columns = RecordReader(CREDIT_ACCOUNTS).columns(records_of(rows, CREDIT_ACCOUNTS))
    scorer = Scorer("any", model.manifest, XGBOOST, LibraryModel(model.booster))
    return whole(short_answer(Scored(CREDIT_ACCOUNTS, columns, scorer, scorer.scores(columns))))


def clients_of_every_worker(service: RunningService, stack: ExitStack) -> dict[int, httpx.Client]:
    """A client with a living connection to each of two workers, by the worker's process id."""
    found: dict[int, httpx.Client] = {}

    def connect() -> bool:
        client = stack.enter_context(service.client())
        client.get("/ping")
        for worker in service.workers():
            if worker.pid not in found and connections(worker):
                found[worker.pid] = client
                break
        return len(found) == 2

    def connections(worker: psutil.Process) -> int:
        return sum(each.status == psutil.CONN_ESTABLISHED for each in worker.net_connections("tcp"))

    eventually(connect)
    return found


class TestStart:
    def test_without_a_model_says_so_and_serves_as_soon_as_there_is_one(
        self, tmp_path: Path, registry: Registry, credit_model: SmallModel
    ) -> None:
        with running_service(tmp_path, OFTEN) as service, service.client() as client:
            ready, scored = client.get("/ready"), client.post(PATH, content=BODIES[0], headers=JSON)
            assert (ready.status_code, ready.json()["ready"]) == (503, False)
            assert ready.json()["models"][0]["problem"] == f"no model yet; {TRAIN_ONE}"
            assert (scored.status_code, scored.json()["code"]) == (503, "model_missing")
            assert TRAIN_ONE in scored.json()["detail"]
            assert client.get(f"/models/{NAME}").json()["code"] == "model_missing"
            assert client.post(PATH, content=b"[{}]", headers=JSON).status_code == 422
            version = promoted(registry, credit_model)
            eventually(lambda: client.get("/ready").status_code == 200)
            assert version_of(client) == version

    def test_with_use_cases_that_point_nowhere_ends_with_a_sentence(self, tmp_path: Path) -> None:
        for workers in (1, 2):
            settings = {"use_cases": "no_such_package:LOANS", "workers": workers}
            with pytest.raises(AssertionError, match="FRAUD_USE_CASES names 'no_such_package:LOANS'") as ended:  # noqa: SIM117
                with running_service(tmp_path, settings):
                    pass
            assert "Traceback" not in str(ended.value)

    def test_without_the_compiled_parts_gives_the_same_answers_slower(
        self, tmp_path: Path, registry: Registry, credit_model: SmallModel
    ) -> None:
        version = promoted(registry, credit_model)
        source = Path(fraud_detection_api.__file__).parent
        shutil.copytree(source, tmp_path / "plain" / source.name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        environment = {"PYTHONPATH": str(tmp_path / "plain")}
        with running_service(tmp_path, {}, environment=environment) as service, service.client() as client:
            libraries = loaded_files(service)
            assert not [path for path in libraries if "_json_rows" in path or "_forest" in path]
            assert [path for path in libraries if "libxgboost" in path]
            for body in BODIES:
                response = client.post(PATH, content=body, headers=JSON)
                assert (response.status_code, response.headers["X-Model-Version"]) == (200, version)
                assert response.content == answer_of(credit_model, body)
            assert client.post(PATH, content=b'[{"customer_id": 1}]', headers=JSON).status_code == 422


def loaded_files(service: RunningService) -> list[str]:
    """The shared libraries that a service has loaded."""
    return [mapped.path for mapped in psutil.Process(service.process.pid).memory_maps()]


class TestEnd:
    def test_finishes_what_is_in_flight(self, tmp_path: Path, registry: Registry, credit_model: SmallModel) -> None:
        promoted(registry, credit_model)
        with running_service(tmp_path, {}) as service, ExitStack() as stack:
            halves = [stack.enter_context(SlowPost(service, PATH, len(body))) for body in BODIES * 3]
            for post, body in zip(halves, BODIES * 3, strict=True):
                post.send(body[:-5])
            with service.client() as client:
                assert client.get("/ping").status_code == 200
            service.process.send_signal(signal.SIGTERM)
            eventually(lambda: not listens(service))
            assert service.process.poll() is None
            for post, body in zip(halves, BODIES * 3, strict=True):
                post.send(body[-5:])
                status, _, answer = post.answer()
                assert (status, answer) == (200, answer_of(credit_model, body))
            assert service.process.wait(30) in (0, -signal.SIGTERM)

    def test_does_not_wait_for_ever(self, tmp_path: Path) -> None:
        with running_service(tmp_path, {"shutdown_seconds": 1}) as service, SlowPost(service, PATH, 100) as post:
            post.send(b"[")
            with service.client() as client:
                assert client.get("/ping").status_code == 200
            assert service.end() in (0, -signal.SIGTERM)
            status, _, answer = post.answer()
        assert (status, json.loads(answer)["code"]) == (503, "shutting_down")

    def test_of_a_service_with_workers_leaves_no_process_behind(
        self, tmp_path: Path, registry: Registry, credit_model: SmallModel
    ) -> None:
        promoted(registry, credit_model)
        with running_service(tmp_path, {"workers": 2}) as service:
            workers = service.workers()
            assert len(workers) == 2
            service.end()
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == []

    def test_of_a_worker_by_force_is_not_the_end_of_the_service(
        self, tmp_path: Path, registry: Registry, credit_model: SmallModel
    ) -> None:
        promoted(registry, credit_model)
        with running_service(tmp_path, {"workers": 2}) as service:
            killed = service.workers()[0].pid
            os.kill(killed, signal.SIGKILL)
            eventually(lambda: killed not in [worker.pid for worker in service.workers()])
            eventually(lambda: len(service.workers()) == 2)
            with service.client() as client:
                assert client.post(PATH, content=BODIES[0], headers=JSON).status_code == 200


def listens(service: RunningService) -> bool:
    """Whether a new connection is taken."""
    try:
        return httpx.get(f"{service.url}/ping").status_code == 200
    except httpx.TransportError:
        return False
