"""The battery's part on reasons: what holds for every use case there is."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np

from fraud_detection_api.schemas.reasons import MOST_REASONS
from tests.examples import Row, body_of, good_rows, slow_body_of
from tests.subjects import Subject

ALL = f"?reasons={MOST_REASONS}&reasons_for=all"


def ask(subject: Subject, body: bytes, query: str = ALL) -> httpx.Response:
    """POST /score/<use case> with a question for reasons; it must be accepted."""
    headers = {"Content-Type": "application/json"}
    response = subject.client.post(subject.address(query), content=body, headers=headers)
    assert response.status_code == 200, response.text
    return response


def reasons_of(subject: Subject, rows: list[Row]) -> list[list[dict[str, Any]]]:
    """The reasons of these records."""
    return [answer["reasons"] for answer in ask(subject, body_of(rows)).json()]


def reasons_push_as_the_library_says(subject: Subject) -> None:
    """Each field, its weight and its direction; with the bias they sum to what the score stands for."""
    library = subject.model.library
    rows = [*good_rows(subject.use_case, 60, seed=8)[: library.most_explained], dict(subject.use_case.example)]
    expected, scores = library.contributions(subject.model.matrix(rows)), subject.model.scores(rows)
    for found, contributions, score in zip(reasons_of(subject, rows), expected, scores, strict=True):
        weights = {reason["field"]: reason["weight"] for reason in found}
        given = np.array([name in weights for name in subject.use_case.feature_names])
        named = np.array([weights.get(name, 0.0) for name in subject.use_case.feature_names])
        np.testing.assert_allclose(named[given], contributions[:-1][given], atol=1e-5)
        left_out = min(map(abs, weights.values())) if len(found) == MOST_REASONS else 0
        assert (np.abs(contributions[:-1][~given]) <= left_out + 1e-5).all()
        pushed = np.where(given, named, contributions[:-1])
        np.testing.assert_allclose(pushed.sum() + contributions[-1], library.total(float(score)), atol=1e-4)


def no_reason_contradicts_itself(subject: Subject) -> None:
    """Direction, sign and sentence agree; the strongest come first; no field comes twice or without a push."""
    for found in reasons_of(subject, good_rows(subject.use_case, 40, seed=4)):
        sizes = [abs(reason["weight"]) for reason in found]
        assert sizes == sorted(sizes, reverse=True)
        assert all(sizes)
        assert len({reason["field"] for reason in found}) == len(found)
        for reason in found:
            assert reason["direction"] == ("raises" if reason["weight"] > 0 else "lowers")
            assert reason["sentence"].endswith(f"{reason['direction']} the {subject.model.library.pushed}")


def fewer_reasons_are_the_first_ones(subject: Subject) -> None:
    """A number cuts the list, the default leaves it to the flagged."""
    body = body_of(subject.model.training_rows[:200])
    whole, flagged = ask(subject, body).json(), ask(subject, body, "?reasons=2").json()
    two = ask(subject, body, "?reasons=2&reasons_for=all").json()
    assert [answer["reasons"] for answer in two] == [answer["reasons"][:2] for answer in whole]
    assert flagged == [each if each["decision"] == "flagged" else each | {"reasons": []} for each in two]
    assert {each["decision"] for each in two} == {"flagged", "passed"}


def both_ways_of_reading_a_body_give_the_same_reasons(subject: Subject) -> None:
    """The quick reader and FastAPI's own route, to the byte."""
    rows = good_rows(subject.use_case, 30, seed=3)
    expected = ask(subject, body_of(rows))
    for query in (ALL, "?reasons_for=all&reasons=20", "?reasons=%320&reasons_for=all", f"?reasons=2&{ALL[1:]}"):
        for body in (body_of(rows), slow_body_of(rows)):
            found = ask(subject, body, query)
            assert found.content == expected.content, query
            assert found.headers["X-Model-Version"] == subject.version


def without_a_question_there_are_no_reasons(subject: Subject) -> None:
    """Not even an empty list: the bytes are those of a request without a query."""
    body = body_of(good_rows(subject.use_case, 20))
    plain = subject.post(body).content
    assert b'"reasons"' not in plain
    for query in ("?reasons=0", "?reasons_for=all", "?reasons=0&reasons_for=all", "?"):
        assert ask(subject, body, query).content == plain, query


def the_documentation_tells_of_reasons(subject: Subject) -> None:
    """The parameters with their bounds, and the field of the answer."""
    document = subject.client.get("/openapi.json").json()
    operation = document["paths"][f"/score/{subject.use_case.name}"]["post"]
    asked = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
    assert (asked["reasons"]["minimum"], asked["reasons"]["maximum"], asked["reasons"]["default"]) == (0, 20, 0)
    assert asked["reasons_for"]["default"] == "flagged"
    answer = json.dumps(document["components"]["schemas"][f"{subject.use_case.record.__name__}FullScore"])
    assert "#/components/schemas/Reason" in answer


def a_model_that_cannot_be_explained_says_so_by_its_version(subject: Subject) -> None:
    """Never a made-up reason; plain requests are answered all the while."""
    body = body_of(good_rows(subject.use_case, 5))
    for written in (body, slow_body_of(good_rows(subject.use_case, 5))):
        headers = {"Content-Type": "application/json"}
        refused = subject.client.post(subject.address(ALL), content=written, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "reasons_unavailable")
        assert f"version {subject.version} cannot be explained" in refused.json()["detail"]
    assert len(subject.scored(body)) == 5


ASKED_OR_NOT: tuple[Callable[[Subject], None], ...] = (
    without_a_question_there_are_no_reasons,
    the_documentation_tells_of_reasons,
)
REASON_CHECKS: tuple[Callable[[Subject], None], ...] = (
    *ASKED_OR_NOT,
    reasons_push_as_the_library_says,
    no_reason_contradicts_itself,
    fewer_reasons_are_the_first_ones,
    both_ways_of_reading_a_body_give_the_same_reasons,
)
UNEXPLAINED_CHECKS: tuple[Callable[[Subject], None], ...] = (
    *ASKED_OR_NOT,
    a_model_that_cannot_be_explained_says_so_by_its_version,
)
