"""Orders as a shop sends them, and the service that scores them with a small model."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.known import USE_CASES
from fraud_detection_api.use_cases.orders import ORDERS
from tests.running_service import SERVE, RunningService, running_service
from tests.small_models import promoted, small_model

Order = dict[str, object]
Answer = dict[str, object]
KNOWN_HERE: dict[str, object] = (
    {} if ORDERS in USE_CASES else {"use_cases": "fraud_detection_api.use_cases.orders:ORDERS"}
)
FIRST = datetime(2024, 5, 31, 12, tzinfo=UTC)


def order(number: int, customer: int = 77, minute: float = 0, **others: object) -> Order:
    """An order of a customer with one e-mail and one address, so many minutes after the first."""
    placed = (FIRST + timedelta(minutes=minute)).isoformat(timespec="milliseconds")
    usual = {"email": f"{customer}@example.org", "ip_addr": f"10.0.{customer // 256}.{customer % 256}"}
    named = {"order_id": number, "customer_id": customer, "order_date": placed}
    return named | usual | {"order_amount": 10.0} | others


@contextmanager
def orders_service(
    folder: Path, settings: Mapping[str, object], command: tuple[str, ...] = SERVE
) -> Iterator[RunningService]:
    """The service with a champion for orders, unless the folder has one."""
    registry = Registry(folder / "models")
    if not registry.versions(ORDERS.name):
        promoted(registry, small_model(ORDERS))
    with running_service(folder, KNOWN_HERE | dict(settings), command) as service:
        yield service


def predicted(client: httpx.Client, sent: Order, **query: object) -> Answer:
    """The whole answer to one order."""
    found = client.post("/orders/predict", json=sent, params={name: str(value) for name, value in query.items()})
    assert found.status_code == 200, found.text
    answer: Answer = found.json()
    return answer


def features(client: httpx.Client, sent: Order, **query: object) -> dict[str, object]:
    """What the model saw of an order."""
    return part(predicted(client, sent, **query), "features")


def part(answer: Answer, name: str) -> dict[str, object]:
    """The order of an answer, or its features."""
    found = answer[name]
    assert isinstance(found, dict)
    return found


def looked_at(client: httpx.Client, sent: Order) -> dict[str, object]:
    """What the model would see of an order that leaves no trace."""
    return features(client, sent, dry_run=True)


def scored(client: httpx.Client, sent: list[Order], **query: object) -> list[Answer]:
    """The answers to a list of orders."""
    found = client.post("/score/orders", json=sent, params={name: str(value) for name, value in query.items()})
    assert found.status_code == 200, found.text
    answers: list[Answer] = found.json()
    return answers
