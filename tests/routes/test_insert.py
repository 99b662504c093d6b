"""POST /insert and GET /scores: what is taken, what is refused and in which place, and that it comes back as sent."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.running_service import RunningService, SlowPost, running_service
from tests.storage.databases import DATABASES, StorePlace, store_place

JSON = {"Content-Type": "application/json"}
SCORE: dict[str, object] = {"id": 7, "outlier_prob": 0.75, "class_pred": "fraud"}
SCORES: dict[str, object] = {
    "id": [3, 1, 2],
    "outlier_prob": [0.1, 0.5, 1],
    "class_pred": ["nonfraud", "fraud", "fraud"],
}
NAMES: dict[str, object] = {"project_name": "raizen_gasoline", "table_name": "fraud"}
MOST = 1_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with the embedded store, and a small bound on rows and bytes."""
    settings = {"max_records": MOST, "max_body_bytes": 200_000, "deadline_seconds": 2}
    with running_service(tmp_path_factory.mktemp("insert"), settings) as service:
        yield service


@pytest.fixture
def client(service: RunningService) -> Iterator[httpx.Client]:
    """A client of it."""
    with service.client() as client:
        yield client


def insert(client: httpx.Client, **changes: object) -> httpx.Response:
    """Insert three scores with something changed; NaN and Infinity go out as Python spells them."""
    return client.post("/insert", content=json.dumps({**SCORES, **NAMES, **changes}), headers=JSON)


def places(response: httpx.Response) -> list[tuple[str, list[object]]]:
    """The kind and the place of every problem."""
    assert response.status_code == 422, response.text
    return [(problem["type"], problem["loc"]) for problem in response.json()["detail"]]


def stored(client: httpx.Client, table: str = "fraud", **query: object) -> list[tuple[object, ...]]:
    """What the store gives back."""
    parameters = {name: str(value) for name, value in query.items()}
    answer = client.get(f"/scores/raizen_gasoline/{table}", params=parameters)
    assert answer.status_code == 200, answer.text
    return [(score["id"], score["outlier_prob"], score["class_pred"]) for score in answer.json()["scores"]]


class TestWhatIsTaken:
    @pytest.fixture(params=DATABASES)
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
        with store_place(request.param, tmp_path) as place:
            yield place

    def test_single_values_and_lists_are_inserted_and_read_back_from_every_database(
        self, place: StorePlace, tmp_path: Path
    ) -> None:
        names = {"project_name": place.project, "table_name": "fraud"}
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        with running_service(tmp_path, place.settings()) as service, service.client() as client:
            for body in (SCORE, SCORES, SCORES):
                answer = client.post("/insert", json={**body, **names})
                assert (answer.status_code, answer.json()) == (200, "values inserted")
            page = client.get(f"/scores/{place.project}/fraud", params={"limit": 3}).json()
            last = client.get(f"/scores/{place.project}/fraud", params={"after": page["next"]}).json()
        scores = page["scores"] + last["scores"]
        assert [score["id"] for score in scores] == [1, 2, 3, 7]
        assert [score["outlier_prob"] for score in scores] == [0.5, 1.0, 0.1, 0.75]
        assert (page["next"], last["next"]) == (3, None)
        for score in scores:
            assert score["inserted_at"].endswith("Z")
            assert before <= datetime.fromisoformat(score["inserted_at"]) <= datetime.now(UTC)
        assert [row[0] for row in place.rows("fraud")] == [1, 2, 3, 7]

    def test_nothing_is_inserted_for_empty_lists(self, client: httpx.Client) -> None:
        answer = insert(client, id=[], outlier_prob=[], class_pred=[], table_name="empty")
        assert (answer.status_code, answer.json()) == (200, "values inserted")
        assert stored(client, "empty") == []

    def test_numbers_come_back_as_they_were_sent(self, client: httpx.Client) -> None:
        ids = [-(2**63), -1, 23.0, 2.0**53 - 1, 9007199254740993, 2**63 - 1]
        numbers = [0, 1e-300, 0.1 + 0.2, -0.0, 0.5, 1]
        assert insert(client, id=ids, outlier_prob=numbers, class_pred=["fraud"] * 6, table_name="exact").is_success
        assert [row[:2] for row in stored(client, "exact")] == [
            (int(id_), p) for id_, p in zip(ids, numbers, strict=True)
        ]

    def test_as_many_as_allowed_are_inserted_and_one_more_is_413(self, client: httpx.Client) -> None:
        def many(rows: int) -> httpx.Response:
            columns = {"id": list(range(rows)), "outlier_prob": [0.5] * rows, "class_pred": ["fraud"] * rows}
            return insert(client, **columns, table_name="many")

        assert many(MOST).status_code == 200
        refused = many(MOST + 1)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_many_records")
        assert len(stored(client, "many", limit=10_000)) == MOST

    def test_far_too_many_values_are_413_before_they_are_read(self, client: httpx.Client) -> None:
        for body in ("[" + "1," * 10 * MOST, json.dumps({**SCORES, **NAMES, "id": [[]] * 10 * MOST})):
            refused = client.post("/insert", content=body, headers=JSON)
            assert (refused.status_code, refused.json()["code"]) == (413, "too_many_records")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("field", "value", "kind"),
        [
            ("id", "2", "int_type"),
            ("id", True, "int_type"),
            ("id", None, "int_type"),
            ("id", [2], "int_type"),
            ("id", 2.5, "int_type"),
            ("id", 2**63, "less_than_equal"),
            ("id", -(2**63) - 1, "greater_than_equal"),
            ("id", 2**64, "less_than_equal"),
            ("id", 2.0**53, "int_type"),  # which is what 2**53 + 1 is read as
            ("id", math.nan, "int_type"),
            ("outlier_prob", "0.5", "float_type"),
            ("outlier_prob", False, "float_type"),
            ("outlier_prob", None, "float_type"),
            ("outlier_prob", math.nan, "finite_number"),
            ("outlier_prob", math.inf, "finite_number"),
            ("outlier_prob", -1e-9, "greater_than_equal"),
            ("outlier_prob", 1.0000001, "less_than_equal"),
            ("outlier_prob", 10**400, "float_type"),
            ("class_pred", "Fraud", "literal_error"),
            ("class_pred", "fraud'); DROP TABLE fraud; --", "literal_error"),
            ("class_pred", 1, "literal_error"),
            ("class_pred", None, "literal_error"),
            ("class_pred", {}, "literal_error"),
        ],
    )
    def test_a_bad_value_is_refused_in_its_place_and_nothing_is_stored(
        self, client: httpx.Client, field: str, value: object, kind: str
    ) -> None:
        good = SCORES[field]
        assert isinstance(good, list)
        refused = insert(client, **{field: [*good[:2], value]}, table_name="refused")
        assert places(refused) == [(kind, ["body", field, 2])]
        if not isinstance(value, list):
            refused = insert(client, **{**SCORE, field: value}, table_name="refused")
            assert places(refused) == [(kind, ["body", field])]
        assert client.get("/scores/raizen_gasoline/refused").status_code == 404

    def test_the_first_bad_value_of_each_column_is_named(self, client: httpx.Client) -> None:
        refused = insert(client, id=[1, "2", 3], outlier_prob=[2, 0.5, -1], class_pred=["fraud", "fraud", "f"])
        expected = [("id", 1), ("outlier_prob", 0), ("class_pred", 2)]
        assert [tuple(place) for _, place in places(refused)] == [("body", *place) for place in expected]

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"outlier_prob": [0.1, 0.5]}, [("unequal_lengths", "outlier_prob")]),
            ({"id": [1]}, [("unequal_lengths", "outlier_prob"), ("unequal_lengths", "class_pred")]),
            ({"class_pred": "fraud"}, [("list_type", "class_pred")]),
            ({"id": 1}, [("float_type", "outlier_prob"), ("literal_error", "class_pred")]),
            ({"outlier_probability": 1}, [("extra_forbidden", "outlier_probability")]),
            ({"table_name": 7}, [("string_type", "table_name")]),
            ({"table_name": "fraud; DROP TABLE fraud"}, [("value_error", "table_name")]),
            ({"table_name": 'fraud" (id) VALUES (1); --'}, [("value_error", "table_name")]),
            ({"table_name": "sqlite_sequence"}, [("value_error", "table_name")]),
            ({"table_name": "a" * 64}, [("value_error", "table_name")]),
            ({"project_name": "mysql"}, [("value_error", "project_name")]),
            ({"project_name": "../elsewhere"}, [("value_error", "project_name")]),
            ({"project_name": "a" * 64}, [("string_too_long", "project_name")]),
            ({"project_name": None}, [("string_type", "project_name")]),
        ],
    )
    def test_what_does_not_fit_together_is_refused_in_its_place(
        self, client: httpx.Client, changes: dict[str, object], expected: list[tuple[str, str]]
    ) -> None:
        assert places(insert(client, **changes)) == [(kind, ["body", field]) for kind, field in expected]

    @pytest.mark.parametrize("field", [*SCORES, *NAMES])
    def test_every_field_is_required(self, client: httpx.Client, field: str) -> None:
        body = {name: value for name, value in {**SCORES, **NAMES}.items() if name != field}
        assert places(client.post("/insert", json=body)) == [("missing", ["body", field])]

    @pytest.mark.parametrize("body", ["", "{", '{"id": 1,}', "[]", "7", "null"])
    def test_a_body_that_is_no_object_is_422(self, client: httpx.Client, body: str) -> None:
        assert client.post("/insert", content=body, headers=JSON).status_code == 422

    @pytest.mark.parametrize("body", [b"\xff\xfe\xfa", b"[" * 100_000])
    def test_a_body_that_cannot_be_read_is_400(self, client: httpx.Client, body: bytes) -> None:
        answer = client.post("/insert", content=body, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "body_unreadable")

    def test_only_json_is_read(self, client: httpx.Client) -> None:
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            body = json.dumps({**SCORES, **NAMES})
            assert client.post("/insert", content=body, headers={"Content-Type": kind}).status_code == 415

    def test_too_many_bytes_are_413_and_a_slow_body_is_408(self, service: RunningService, client: httpx.Client) -> None:
        answer = client.post("/insert", content=b" " * 200_001, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        with SlowPost(service, "/insert", length=100) as post:
            post.send(b"{")
            assert post.answer()[0] == 408


class TestPages:
    def test_filters_and_pages_go_together(self, client: httpx.Client) -> None:
        columns = {"id": list(range(20)), "outlier_prob": [id_ / 20 for id_ in range(20)]}
        insert(client, **columns, class_pred=["fraud", "nonfraud"] * 10, table_name="pages")
        found = stored(client, "pages", class_pred="fraud", min_prob=0.5, after=10, limit=3)
        assert [row[0] for row in found] == [12, 14, 16]

    @pytest.mark.parametrize(
        "query",
        [
            *("class_pred=maybe", "min_prob=1.1", "min_prob=nan", "after=x", "after=1e30", "limit=0", "limit=10001"),
            *("min_probability=0.5", "class=fraud", "Limit=5"),
        ],
    )
    def test_a_bad_query_is_refused_in_its_place(self, client: httpx.Client, query: str) -> None:
        refused = client.get(f"/scores/raizen_gasoline/fraud?{query}")
        assert [place for _, place in places(refused)] == [["query", query.partition("=")[0]]]

    def test_bad_names_are_refused_and_unknown_tables_are_404(self, client: httpx.Client) -> None:
        assert places(client.get("/scores/raizen_gasoline/a;b"))[0][1] == ["path", "table_name"]
        assert places(client.get("/scores/mysql/user"))[0][1] == ["path", "project_name"]
        answer = client.get("/scores/raizen_gasoline/nobody")
        assert (answer.status_code, answer.json()["code"]) == (404, "store_table_missing")


def test_the_document_has_an_example_that_works(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    schema = document["paths"]["/insert"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    for example in schema["examples"]:
        assert client.post("/insert", json=example).json() == "values inserted"
    assert set(schema["required"]) == {*SCORES, *NAMES}
