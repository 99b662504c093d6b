"""Every scoring address keeps what it answered, and nothing that a client has received is lost."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.examples import body_of, good_rows, slow_body_of
from tests.running_service import (
    SERVE,
    RunningService,
    eventually,
    free_port,
    running_service,
    service_environment,
)
from tests.small_models import SmallModel, promoted
from tests.storage.answer_stores import KINDS, AnswerStore, answer_store

NAME, SHORT, LIST = CREDIT_ACCOUNTS.name, "/fraud_detection", "/score/credit_accounts"
JSON = {"Content-Type": "application/json"}
ENOUGH, CLIENTS = 80, 4
Received = dict[tuple[str, int], tuple[str, float]]  # by request id and place: key and score


@pytest.fixture
def folder(tmp_path: Path, credit_model: SmallModel) -> Path:
    """A folder with a registry that has a champion."""
    promoted(Registry(tmp_path / "models"), credit_model)
    return tmp_path


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnswerStore]:
    """Every kind of database."""
    with answer_store(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[AnswerStore]:
    """A database in a folder."""
    with answer_store("sqlite", tmp_path) as found:
        yield found


class Client(threading.Thread):
    """Asks one question after another until the service is gone, and remembers every answer."""

    def __init__(self, service: RunningService, number: int) -> None:
        super().__init__(daemon=True)
        self.received: Received = {}
        self.answers = 0
        self._service, self._number = service, number

    def run(self) -> None:
        with self._service.client() as client:
            for asked in range(1_000_000):
                first = 10_000_000 * self._number + 10 * asked
                rows = good_rows(CREDIT_ACCOUNTS, 1 + asked % 3, seed=first)
                body = body_of(row | {"customer_id": first + at} for at, row in enumerate(rows))
                headers = JSON | {"X-Request-ID": f"{self._number}-{asked}"}
                try:
                    found = client.post((SHORT, LIST)[asked % 2], content=body, headers=headers)
                except httpx.TransportError:
                    return
                assert found.status_code == 200
                self.answers += 1
                self.received |= received(found)


def kill_all_of(service: RunningService) -> None:
    """End the service, its workers and what writes to the database, the latter first: as a machine would that stops."""
    everything = [psutil.Process(service.process.pid), *psutil.Process(service.process.pid).children(recursive=True)]
    for process in sorted(everything, key=lambda each: "answer_log.writer" not in " ".join(each.cmdline())):
        process.kill()
    service.process.wait()
    psutil.wait_procs(everything)


def received(found: httpx.Response) -> Received:
    """What an answer said of each record."""
    request = found.headers["X-Request-ID"]
    return {
        (request, place): (str(each["customer_id"]), each["fraud_probability"])
        for place, each in enumerate(found.json())
    }


def stored(store: AnswerStore) -> Received:
    """What the database says of each record; no record twice."""
    rows = store.rows(NAME)
    found = {
        (str(row["request_id"]), int(str(row["position"]))): (str(row["record_key"]), float(str(row["score"])))
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def told(service: RunningService, words: str) -> int:
    """How many log lines say it."""
    return sum(words in str(line["message"]) for line in service.json_log())


def keeping(store: AnswerStore, mode: str = "full", **more: object) -> dict[str, object]:
    """Settings that keep the answers about credit accounts."""
    return {"keep": f"{NAME}={mode}", "log_json": True, **store.settings, **more}


class TestKilledService:
    def test_under_load_loses_nothing_that_a_client_has_received(self, folder: Path, store: AnswerStore) -> None:
        with running_service(folder, keeping(store, workers=2)) as service:
            clients = [Client(service, number) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            eventually(lambda: sum(client.answers for client in clients) > ENOUGH)
            kill_all_of(service)
            for client in clients:
                client.join()
        expected = {key: value for client in clients for key, value in client.received.items()}
        with running_service(folder, keeping(store)):
            eventually(lambda: expected.keys() <= stored(store).keys())
        found = stored(store)
        assert {key: found[key] for key in expected} == expected
        assert not list((folder / "spool").glob("*.spool"))
        for row in store.rows(NAME):
            assert json.loads(str(row["record"]))["customer_id"] == int(str(row["record_key"]))


class TestRunningService:
    def test_every_address_and_every_way_of_a_body_keeps_its_answers(self, folder: Path, sqlite: AnswerStore) -> None:
        rows = good_rows(CREDIT_ACCOUNTS, 400)
        bodies = [body_of(rows[:1]), slow_body_of(rows[:3]), body_of(rows), slow_body_of(rows)]
        queries = ["", "?reasons=1&reasons_for=all"]
        expected: Received = {}
        with running_service(folder, keeping(sqlite)) as service, service.client() as client:
            for path in [SHORT, *(LIST + query for query in queries)]:
                for body in bodies:
                    found = client.post(path, content=body, headers=JSON)
                    assert found.status_code == 200
                    expected |= received(found)
            assert client.post(SHORT, content=b"[]", headers=JSON).json() == []
            assert client.post(SHORT, content=b"[{}]", headers=JSON).status_code == 422
        assert stored(sqlite) == expected
        assert {row["address"] for row in sqlite.rows(NAME)} == {SHORT, LIST}

    def test_a_decision_and_a_version_are_those_of_the_answer(self, folder: Path, sqlite: AnswerStore) -> None:
        with running_service(folder, keeping(sqlite, "scores")) as service, service.client() as client:
            found = client.post(LIST, content=body_of(good_rows(CREDIT_ACCOUNTS, 50)), headers=JSON)
        assert found.status_code == 200, found.text
        answer = found.json()
        kept = [(row["decision"], row["model_version"], row["record"]) for row in sqlite.rows(NAME)]
        assert kept == [(each["decision"], each["model_version"], None) for each in answer]
        assert len({each["decision"] for each in answer}) == 2

    def test_the_serving_process_itself_never_loads_sql(self, folder: Path, sqlite: AnswerStore) -> None:
        with running_service(folder, keeping(sqlite)) as service, service.client() as client:
            client.post(SHORT, content=body_of(good_rows(CREDIT_ACCOUNTS, 1)), headers=JSON)
            eventually(lambda: bool(sqlite.rows(NAME)))
            process = psutil.Process(service.process.pid)
            (writer,) = process.children()
            assert any("sqlalchemy" in each.path for each in writer.memory_maps())
            assert not any("sqlalchemy" in each.path for each in process.memory_maps())  # coverage itself loads sqlite

    def test_a_full_spool_answers_503_on_full_and_says_when_to_come_again(
        self, folder: Path, sqlite: AnswerStore
    ) -> None:
        body = body_of(good_rows(CREDIT_ACCOUNTS, 9_000))
        (folder / "store").write_text("where the folder of the database should be")
        with running_service(folder, keeping(sqlite, spool_max_bytes=1_000_000)) as service, service.client() as client:
            found = [client.post(SHORT, content=body, headers=JSON) for _ in range(5)]
            assert [each.status_code for each in found] == [200, 200, 503, 503, 503]
            assert found[-1].json()["code"] == "answers_cannot_be_kept"
            assert found[-1].headers["Retry-After"]
            eventually(lambda: told(service, "store cannot be used") == 1)
            (folder / "store").unlink()
            eventually(lambda: client.post(SHORT, content=body, headers=JSON).status_code == 200)
        assert len(stored(sqlite)) == 3 * 9_000
        assert told(service, "store cannot be used") == told(service, "store can be used again") == 1
        away = next(line for line in service.json_log() if "store cannot be used" in str(line["message"]))
        assert int(str(away["waiting_bytes"])) > 100_000
        assert told(service, "could not be kept") >= 1

    @pytest.mark.parametrize(
        ("wrong", "named"),
        [
            ({"keep": "credit_acounts=full"}, "FRAUD_KEEP"),
            ({"keep": "credit_accounts=all"}, "FRAUD_KEEP"),
            ({"keep_project": "Kept; answers"}, "Kept; answers"),
            ({"store_projects": "Shop"}, "Shop"),
            ({"store": "nonsense"}, "sqlite://"),
            ({"store": "sqlite:///:memory:"}, "sqlite:///folder"),
            ({"store": "mysql://bob:s3cret@localhost:99999/shop"}, "99999"),
            ({"spool": "file"}, "FRAUD_SPOOL"),
        ],
    )
    def test_wrong_settings_end_the_start_in_one_line(self, folder: Path, wrong: dict[str, object], named: str) -> None:
        (folder / "file").write_text("no folder")
        settings = {"keep": f"{NAME}=full", "models": folder / "models", "workers": 2, "port": free_port(), **wrong}
        environment = service_environment(settings)
        ended = subprocess.run(SERVE, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        (line,) = ended.stderr.splitlines()
        assert ended.returncode == 2
        assert named in line
        assert "s3cret" not in line
