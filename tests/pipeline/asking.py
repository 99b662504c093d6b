"""What tests ask of the pipeline service: that it queues a run, and where the run stands."""

import httpx

from tests.running_service import eventually

SMALL = {"files": 6, "orders_per_file": 400, "customers": 50, "partitions": 4}
MAKE, RUNS = "/pipeline/make_sample_data", "/pipeline/runs"


def asked(client: httpx.Client, **parameters: object) -> str:
    """A run that the service has queued."""
    answer = client.post(MAKE, json=SMALL | parameters)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run"])


def state(client: httpx.Client, run: str) -> str:
    """Where a run stands."""
    return str(client.get(f"{RUNS}/{run}").json()["run"]["state"])


def wait_until(client: httpx.Client, run: str, wanted: str) -> None:
    """Wait until a run stands there."""
    eventually(lambda: state(client, run) == wanted)
