"""Bodies made to cost: counted or refused before they are parsed, in a few times their bytes, beside other requests.

How much and how long to the millisecond: `python -m benchmarks.hostile`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.attacks import LIST, SINGLE, bodies, posted
from benchmarks.hostile import cost_of
from benchmarks.servers import Server
from fraud_detection_api.features.json_values import MOST_VALUE_BYTES, JsonValues
from fraud_detection_api.model.registry import Registry
from tests.running_service import running_service
from tests.small_models import SmallModel, promoted

MEGABYTES = 20
MOST_RATIO, LONGEST_STALL = 4.0, 2.0  # seconds; a millisecond's worth of promise needs a machine of its own
CHOSEN = (
    "empty objects",
    "digits",
    "a million names",
    "objects of many names",
    "objects of many lists",
    "one long text",
)
ATTACKS = {what: posted(what, path, body) for what, path, body in bodies(MEGABYTES * 1_000_000) if what in CHOSEN}


@pytest.fixture(scope="module")
def server(credit_model: SmallModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service as the benchmark knows it."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    promoted(Registry(folder / "models"), credit_model)
    with running_service(folder, {}) as service:
        yield Server("ours", service.port, service.process, 0.0)


@pytest.mark.parametrize("what", CHOSEN)
def test_a_body_costs_no_more_than_a_few_times_its_bytes(server: Server, what: str) -> None:
    cost = cost_of(server, ATTACKS[what])
    assert cost.status in (413, 422)
    assert cost.memory < MOST_RATIO * ATTACKS[what].size
    assert cost.stall < LONGEST_STALL


def test_one_record_is_refused_by_its_announced_size(server: Server) -> None:
    assert cost_of(server, posted("too long", SINGLE, b" " * (MOST_VALUE_BYTES + 1))).status == 413
    assert cost_of(server, posted("too long", LIST, b'["' + b"a" * MOST_VALUE_BYTES + b'"]')).status == 413


def test_values_are_those_of_the_library_whatever_a_piece_cuts_in_two() -> None:
    long = "\U0001f600é\\ud83d\\ude00" * 5_000
    text = f'  [1, -2.5e3, "{long}", {{"a": [true, null]}}, "{long}", {"7" * 4_000}.5]  '
    found = [value for batch in JsonValues(text.encode()).batches() for value in batch]
    assert found == json.loads(text)
