"""The battery's part on use cases without a label: anomaly scores, their ranks, and bare vectors."""

from collections.abc import Callable

import httpx
import numpy as np

from fraud_detection_api.schemas.record import Kind
from tests.examples import Row, bad_spellings, body_of, good_rows, rule_breakers
from tests.subjects import Answer, Subject, vector_path

RANK_STEP = 0.02  # between two points of the ranks, at most


def vector_of(subject: Subject, row: Row) -> list[float]:
    """A record as a bare vector."""
    return [float(row[name] or 0) for name in subject.use_case.feature_names]


def predict(subject: Subject, asked: dict[str, object]) -> httpx.Response:
    """POST to the use case's own address of vectors."""
    return subject.client.post(vector_path(subject.use_case), json=asked)


def column(answers: list[Answer], name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """One figure of every answer."""
    return np.array([answer[name] for answer in answers], dtype=np.float64)


def percentiles_are_the_share_of_training_records_that_are_less_unusual(subject: Subject) -> None:
    """Named for what they are: 0 for the most usual one, nearly 1 for the most unusual, and counted, not guessed."""
    answers = subject.scored(body_of(subject.model.training_rows))
    scores, percentiles = column(answers, "anomaly_score"), column(answers, "anomaly_percentile")
    less_unusual = (scores[None, :] > scores[:, None]).mean(axis=1)
    assert np.abs(percentiles - less_unusual).max() <= RANK_STEP
    most_unusual = np.argsort(scores)[:20]
    assert np.abs(percentiles[most_unusual] - less_unusual[most_unusual]).max() < 1e-6


def percentiles_fall_while_scores_rise(subject: Subject) -> None:
    """No two records stand in another order by one figure than by the other."""
    answers = subject.scored(body_of(good_rows(subject.use_case, 300, seed=12)))
    scores, percentiles = column(answers, "anomaly_score"), column(answers, "anomaly_percentile")
    assert (scores < 0).all()
    assert ((percentiles >= 0) & (percentiles <= 1)).all()
    assert (np.diff(percentiles[np.argsort(scores)]) <= 0).all()


def a_bare_vector_is_judged_as_its_record(subject: Subject) -> None:
    """1 for what passes and -1 for what is flagged, and the score only where it is asked for."""
    rows = [*subject.model.training_rows[:60], dict(subject.use_case.example)]
    for row, answer in zip(rows, subject.scored(body_of(rows)), strict=True):
        inlier = {"is_inlier": -1 if answer["decision"] == "flagged" else 1}
        both = dict.fromkeys(("anomaly_score", "anomoly_score"), answer["anomaly_score"])
        vector: dict[str, object] = {"feature_vector": vector_of(subject, row)}
        plain, scored = (predict(subject, vector | more) for more in ({}, {"score": True}))
        assert (plain.status_code, plain.json()) == (200, inlier)
        assert (scored.status_code, scored.json()) == (200, inlier | both)
        assert {each.headers["X-Model-Version"] for each in (plain, scored)} == {subject.version}
        assert predict(subject, vector | {"score": False}).json() == inlier


def a_vector_of_another_length_is_refused(subject: Subject) -> None:
    """Neither cut nor filled up."""
    vector = vector_of(subject, dict(subject.use_case.example))
    for wrong in ([], vector[:-1], [*vector, 1.0], vector * 2):
        refused = predict(subject, {"feature_vector": wrong})
        assert refused.status_code == 422, wrong
        assert {tuple(each["loc"][:2]) for each in refused.json()["detail"]} == {("body", "feature_vector")}


def what_no_record_may_hold_is_refused_in_a_vector(subject: Subject) -> None:
    """Each place has its feature's kind and bounds, and rules are the record's."""
    example = vector_of(subject, dict(subject.use_case.example))
    for place, field in enumerate(subject.use_case.inputs):
        for what, spelling in bad_spellings(field, subject.use_case).items():
            if field.kind is Kind.BOOLEAN and what in ("zero", "one", "1.0"):  # what a vector has for false and true
                continue
            spelled = [*map(str, example[:place]), spelling, *map(str, example[place + 1 :])]
            body = f'{{"feature_vector": [{", ".join(spelled)}]}}'
            headers = {"Content-Type": "application/json"}
            refused = subject.client.post(vector_path(subject.use_case), content=body, headers=headers)
            assert refused.status_code == 422, (field.name, what, refused.text)
            places = {tuple(each["loc"]) for each in refused.json()["detail"]}
            assert places == {("body", "feature_vector", place)}, (field.name, what)
    for rule in subject.use_case.rules:
        refused = predict(subject, {"feature_vector": vector_of(subject, rule_breakers(subject.use_case, rule)[0])})
        (problem,) = refused.json()["detail"]
        assert (refused.status_code, problem["loc"], problem["msg"]) == (422, ["body", rule.fields[0]], rule.message)


def the_documented_vector_works(subject: Subject) -> None:
    """What /docs offers to try is answered, booleans as numbers among it."""
    document = subject.client.get("/openapi.json").json()
    content = document["paths"][vector_path(subject.use_case)]["post"]["requestBody"]["content"]
    (example,) = content["application/json"]["schema"]["examples"]
    assert set(predict(subject, example).json()) == {"is_inlier", "anomaly_score", "anomoly_score"}


ANOMALY_CHECKS: tuple[Callable[[Subject], None], ...] = (
    percentiles_are_the_share_of_training_records_that_are_less_unusual,
    percentiles_fall_while_scores_rise,
    a_bare_vector_is_judged_as_its_record,
    a_vector_of_another_length_is_refused,
    what_no_record_may_hold_is_refused_in_a_vector,
    the_documented_vector_works,
)
