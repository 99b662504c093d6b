"""The README and the page on the three detectors: every request that shows its answer is sent, every file is tried."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.contracts.requests import JSON
from tests.running_service import PROJECT, eventually, running_service, service_environment

PAGES = [(PROJECT / name).read_text() for name in ("docs/detectors.md", "README.md")]
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGES[0])
AT = re.compile(r"(http://)?(localhost|127\.0\.0\.1):8000")

ExampleRequest = tuple[str, str | None, object]


def examples() -> Iterator[ExampleRequest]:
    """Address, body and shown answer of every request that a page shows the answer of."""
    for (language, typed), (shown_as, shown) in (pair for page in PAGES for pair in pairwise(BLOCK.findall(page))):
        if (language, shown_as) == ("bash", "json") and "curl" in typed and shown[0] in "[{":
            requests = re.findall(r"^curl .*?(?=^curl |\Z)", typed, re.MULTILINE | re.DOTALL)
            yield from (request(words, answer) for words, answer in zip(requests, answers(shown), strict=True))


def request(typed: str, answer: object) -> ExampleRequest:
    """One of them."""
    words = shlex.split(typed)
    body = words[words.index("-d") + 1] if "-d" in words else None
    return next(AT.sub("", word) for word in words if AT.match(word)), body, answer


def answers(shown: str) -> Iterator[object]:
    """The answers of one block, one after the other."""
    while shown.strip():
        answer, end = json.JSONDecoder().raw_decode(shown.strip())
        yield answer
        shown = shown.strip()[end:]


EXAMPLES = list(examples())
OWN = "/prediction/sessions"


def send(client: httpx.Client, address: str, body: str | None) -> object:
    """What the service answers."""
    response = client.get(address) if body is None else client.post(address, content=body, headers=JSON)
    assert response.status_code == 200, response.text
    return response.json()


def shape(answer: object) -> object:
    """Names and types, whatever the model says; how many warnings there are is its own matter."""
    if isinstance(answer, dict):
        return {name: shape(value) for name, value in answer.items() if name != "warnings"}
    if isinstance(answer, list):
        return [shape(each) for each in answer]
    return type(answer)


def test_both_pages_ask_every_detector() -> None:
    addresses = [address.partition("?")[0] for address, _, _ in EXAMPLES]
    for address in ("/predict_fraud", "/prediction", "/model_information", "/predict"):
        assert addresses.count(address) == len(PAGES)
    assert {"/fraud_detection", "/insert", "/scores/raizen_gasoline/fraud", OWN} <= set(addresses)


@pytest.mark.parametrize(
    ("address", "body", "shown"), [each for each in EXAMPLES if each[0] != OWN], ids=lambda each: str(each)[:40]
)
def test_what_is_asked_is_answered_in_the_shape_that_is_shown(
    address: str, body: str | None, shown: object, client: httpx.Client
) -> None:
    names = {"project_name": "raizen_gasoline", "table_name": "fraud"}
    frauds = {"id": [351, 1890, 2000], "outlier_prob": [0.9991, 0.9993, 1], "class_pred": ["fraud"] * 3}
    client.post("/insert", json={**frauds, **names})
    found = send(client, address, body)
    if address == "/model_information" and isinstance(shown, dict):  # and whatever else a fit was told
        shown = {name: value for name, value in shown.items() if name not in ("max_samples", "skipped_rows")}
    assert shape(found) == shape(shown)


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    """A folder with the declaration on the page, visits, and a model of them."""
    (declared,) = (text for language, text in BLOCKS if language == "python")
    (tmp_path / "sessions.py").write_text(declared)
    random = np.random.default_rng(1)
    rows = zip(random.poisson(40, 2000), random.gamma(4, 80, 2000), random.random(2000) < 0.05, strict=True)
    lines = [f"{clicks},{seconds:.1f},{str(bool(abroad)).lower()}" for clicks, seconds, abroad in rows]
    (tmp_path / "sessions.csv").write_text("\n".join(["clicks,seconds,from_abroad", *lines]))
    command = [sys.executable, "-m", "fraud_detection_api.cli.main", "train", "sessions", "--data", "sessions.csv"]
    settings = service_environment({"use_cases": "sessions:SESSIONS"}) | {"PYTHONPATH": "."}
    done = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_the_use_case_of_another_width_is_declared_trained_and_served(sessions: Path) -> None:
    ((address, body, shown),) = (each for each in EXAMPLES if each[0] == OWN)
    settings, path = {"use_cases": "sessions:SESSIONS"}, {"PYTHONPATH": str(sessions)}
    with running_service(sessions, settings, environment=path) as service, service.client() as client:
        eventually(lambda: client.get("/ready").status_code == 200)
        answer = send(client, address, body)
        record = {"clicks": 900, "seconds": 3.5, "from_abroad": True}
        (listed,) = client.post("/score/sessions", json=[record]).json()
    assert shape(answer) == shape(shown)
    assert answer == {"is_inlier": -1, **dict.fromkeys(("anomaly_score", "anomoly_score"), listed["anomaly_score"])}
