"""Every address that scores keeps what it answered: who was asked about, the score, and on `full` the record."""

import json
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.use_cases.known import USE_CASES
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from fraud_detection_api.use_cases.purchases import PURCHASES
from tests.examples import Row, body_of, good_rows
from tests.running_service import running_service
from tests.small_models import SmallModel, promoted
from tests.storage.answer_stores import answer_store

Answer = dict[str, object]
SIZE = 3
SINGLE = {"/predict_fraud": CARD_TRANSACTIONS, "/predict": PURCHASES}
LISTS = {"/fraud_detection": CREDIT_ACCOUNTS, **{f"/score/{use_case.name}": use_case for use_case in USE_CASES}}
# what an answer calls the score that is kept
SCORE_NAMES = {"/predict": "outlier_prob", "/predict_fraud": "fraud_probability"}


@dataclass
class ExampleRequest:
    """What a client has asked and heard."""

    address: str
    use_case: UseCase
    rows: list[Row]
    request_id: str
    answers: list[Answer]

    @property
    def kept(self) -> list[tuple[object, ...]]:
        """What is to be kept of it: address, key, score, anomaly score."""
        name = SCORE_NAMES.get(self.address, self.use_case.score.name)
        keys = [str(row.get(self.use_case.identifier or "", f"{self.request_id}:{at}")) for at, row in self._places]
        figures = [(answer[name], answer.get("anomaly_score")) for answer in self.answers]
        return [(self.address, key, *each) for key, each in zip(keys, figures, strict=True)]

    @property
    def records(self) -> list[object]:
        """The records as they are to be kept on `full`."""
        return list(self.rows)

    @property
    def _places(self) -> list[tuple[int, Row]]:
        return list(enumerate(self.rows))


def asked(client: httpx.Client, address: str, use_case: UseCase, rows: list[Row], content: bytes) -> ExampleRequest:
    """Ask, and remember."""
    found = client.post(address, content=content, headers={"Content-Type": "application/json"})
    assert found.status_code == 200, found.text
    answers = found.json()
    return ExampleRequest(
        address,
        use_case,
        rows,
        found.headers["X-Request-ID"],
        answers if isinstance(answers, list) else [answers],
    )


def everything_asked(client: httpx.Client) -> list[ExampleRequest]:
    """Ask every address."""
    found = []
    for address, use_case in LISTS.items():
        rows = good_rows(use_case, SIZE, seed=41)
        found.append(asked(client, address, use_case, rows, body_of(rows)))
    for address, use_case in SINGLE.items():
        rows = good_rows(use_case, 1, seed=42)
        found.append(asked(client, address, use_case, rows, body_of(rows)[1:-1]))
    return [*found, vector_asked(client, found)]


def vector_asked(client: httpx.Client, before: list[ExampleRequest]) -> ExampleRequest:
    """Ask about a vector that was asked about in a list, which tells the percentile that its own answer leaves out."""
    (listed,) = (each for each in before if each.address == f"/score/{PLATFORM_ACTIVITY.name}")
    rows = listed.rows[:1]
    vector = {"feature_vector": [rows[0][name] for name in PLATFORM_ACTIVITY.feature_names], "score": True}
    found = asked(client, "/prediction", PLATFORM_ACTIVITY, rows, json.dumps(vector).encode())
    percentile = listed.answers[0][PLATFORM_ACTIVITY.score.name]
    found.answers = [{**found.answers[0], PLATFORM_ACTIVITY.score.name: percentile}]
    return found


@pytest.mark.parametrize("mode", ["scores", "full"])
def test_every_address_keeps_what_it_answered(small_models: dict[str, SmallModel], tmp_path: Path, mode: str) -> None:
    for use_case in USE_CASES:
        promoted(Registry(tmp_path / "models"), small_models[use_case.name])
    keep = ",".join(f"{use_case.name}={mode}" for use_case in USE_CASES)
    with answer_store("sqlite", tmp_path) as store:
        with running_service(tmp_path, {"keep": keep, **store.settings}) as service, service.client() as client:
            conversation = everything_asked(client)
        rows = {row["request_id"]: list[Answer]() for use_case in USE_CASES for row in store.rows(use_case.name)}
        for use_case in USE_CASES:
            for row in store.rows(use_case.name):
                rows[row["request_id"]].append(row)
    assert len(rows) == len(conversation) == len(LISTS) + len(SINGLE) + 1
    for each in conversation:
        kept = rows[each.request_id]
        assert [(row["address"], row["record_key"], row["score"], row["anomaly_score"]) for row in kept] == each.kept
        records = [row["record"] and json.loads(str(row["record"])) for row in kept]
        assert records == (each.records if mode == "full" else [None] * len(each.rows))
