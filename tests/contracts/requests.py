"""Requests to the three detectors and of the store: addresses, bodies that work, and the numbers in them."""

import json
from dataclasses import dataclass

import httpx

from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from fraud_detection_api.use_cases.purchases import PURCHASES

JSON = {"Content-Type": "application/json"}
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class ExampleRequest:
    """An address, a body that it answers, and where numbers stand in it; whole ones apart."""

    path: str
    body: object
    numbers: tuple[Place, ...]
    whole: tuple[Place, ...] = ()
    scores: bool = True

    def with_value(self, place: Place, spelling: str) -> bytes:
        """The body with one value spelled like this."""
        return json.dumps(_with(self.body, place, "<here>")).replace('"<here>"', spelling).encode()

    def post(self, client: httpx.Client, body: bytes | None = None) -> httpx.Response:
        """Post a body; without one, that which works."""
        content = json.dumps(self.body).encode() if body is None else body
        return client.post(self.path, content=content, headers=JSON)


def _with(body: object, place: Place, value: object) -> object:
    if not place:
        return value
    first, *rest = place
    if isinstance(body, dict):
        return {**body, first: _with(body.get(first), tuple(rest), value)}
    assert isinstance(body, list)
    return [_with(each, tuple(rest), value) if at == first else each for at, each in enumerate(body)]


def _listed(use_case: UseCase, number: str, *whole: str) -> ExampleRequest:
    places = tuple((1, name) for name in whole)
    return ExampleRequest(f"/score/{use_case.name}", [use_case.example] * 2, ((1, number), *places), places)


CARD = {"Time": 406, **{f"V{number}": number / 8 - 2 for number in range(1, 29)}, "Amount": 149.62}
VECTOR = {"feature_vector": [21.5, 4.25], "score": True}
CUSTOMER = {"user_id": 345435, "total_liters": 702.5, "total_amount_paid": 3653, "is_premium": False}
SCORE = {
    "id": 345435,
    "outlier_prob": 0.93,
    "class_pred": "fraud",
    "project_name": "raizen_gasoline",
    "table_name": "fraud",
}
SCORES = SCORE | {"id": [10, 9, 2], "outlier_prob": [0.93, 0.02, 0.5], "class_pred": ["fraud", "nonfraud", "nonfraud"]}
EXAMPLES = (
    ExampleRequest("/predict_fraud", CARD, (("Time",), ("V1",), ("V28",), ("Amount",))),
    _listed(CARD_TRANSACTIONS, "V17"),
    ExampleRequest("/prediction", VECTOR, (("feature_vector", 0), ("feature_vector", 1))),
    _listed(PLATFORM_ACTIVITY, "sd"),
    ExampleRequest("/prediction/purchases", {"feature_vector": [702.5, 3653, 0]}, (("feature_vector", 1),)),
    ExampleRequest("/predict", CUSTOMER, (("user_id",), ("total_liters",)), (("user_id",),)),
    _listed(PURCHASES, "total_amount_paid", "user_id"),
    ExampleRequest("/insert", SCORE, (("id",), ("outlier_prob",)), (("id",),), scores=False),
    ExampleRequest("/insert", SCORES, (("id", 1), ("outlier_prob", 2)), (("id", 1),), scores=False),
)
