"""The battery: what holds for every use case there is, those of the tests among them."""

import json
import math
from collections.abc import Callable

from fraud_detection_api.features.deriving import derive
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.record import LARGEST, Kind, formatted
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import Scored, full_answer, short_answer, whole
from tests.examples import (
    Row,
    bad_spellings,
    body_of,
    choices,
    columns_of,
    good_rows,
    keys_of,
    problems_of,
    rule_breakers,
    slow_body_of,
    spelled_body,
)
from tests.readers import HAS_QUICK_WAY, by_pydantic, by_table, quickly
from tests.small_models import bundle_of
from tests.subjects import Answer, Subject, assert_served

BESIDE = ("decision", "warnings", "model_version")
UNKNOWN = ("cold_start", "truncated", "degraded")  # of histories
FAR_AWAY: dict[str, list[Row]] = {"web_orders": [{"delivered_at": "2034-01-01T00:00:00Z"}]}  # of derived values


def the_example_passes_both_readers_as_the_same_columns(subject: Subject) -> None:
    """Law 1 on the one record that the documentation shows."""
    assert_same_columns([dict(subject.use_case.example)], subject.use_case)


def good_records_pass_both_readers_as_the_same_columns(subject: Subject) -> None:
    """Law 1 on records around the example."""
    assert_same_columns(good_rows(subject.use_case, 50), subject.use_case)


def assert_same_columns(rows: list[Row], use_case: UseCase) -> None:
    """Quick reader, Pydantic and files make the same columns of these rows."""
    body = body_of(rows)
    found = by_pydantic(body, use_case)
    assert isinstance(found, tuple), found
    assert by_table(rows, use_case) == found
    assert not HAS_QUICK_WAY or quickly(body, use_case) == found


def the_example_in_the_documentation_works(subject: Subject) -> None:
    """What /docs offers to try is answered."""
    document = subject.client.get("/openapi.json").json()
    content = document["paths"][f"/score/{subject.use_case.name}"]["post"]["requestBody"]["content"]
    (example,) = content["application/json"]["schema"]["examples"]
    assert len(subject.scored(json.dumps(example).encode())) == 1


def the_documentation_says_what_each_field_may_hold(subject: Subject) -> None:
    """Names, help texts and required fields of the record stand in the OpenAPI document."""
    schemas = subject.client.get("/openapi.json").json()["components"]["schemas"]
    schema = schemas[subject.use_case.record.__name__]
    assert list(schema["properties"]) == [field.name for field in subject.use_case.fields]
    assert schema["required"] == [field.name for field in subject.use_case.fields if not field.optional]
    assert schema["additionalProperties"] is False


def nothing_is_answered_with_nothing(subject: Subject) -> None:
    """[] is 200 []."""
    response = subject.post(b"[]")
    assert (response.status_code, response.content) == (200, b"[]")


def answers_keep_order_length_and_duplicates(subject: Subject) -> None:
    """Answer i is about record i, however often it is asked."""
    rows = good_rows(subject.use_case, 20)
    asked = [*rows, rows[3], *reversed(rows), rows[3]]
    answers = subject.scored(body_of(asked))
    for name in subject.known_by:
        assert [answer[name] for answer in answers] == [row[name] for row in asked]
    alone = [subject.scored(body_of([row]))[0] for row in asked]
    assert answers == alone


def the_order_of_keys_does_not_matter(subject: Subject) -> None:
    """A record is its names, not their order."""
    rows = good_rows(subject.use_case, 5)
    turned = [dict(reversed(row.items())) for row in rows]
    assert subject.scored(body_of(turned)) == subject.scored(body_of(rows))


def every_wrong_value_is_refused_at_its_place(subject: Subject) -> None:
    """Types, bounds and choices of every field, in the second of three records."""
    rows = good_rows(subject.use_case, 3)
    for field in subject.use_case.fields:
        ruled = {("body", 1, rule.fields[0]) for rule in subject.use_case.rules if field.name in rule.fields}
        for what, spelling in bad_spellings(field, subject.use_case).items():
            places = subject.refused(spelled_body(rows, 1, field.name, spelling))
            assert {("body", 1, field.name)} <= places <= {("body", 1, field.name)} | ruled, (field.name, what)


def a_missing_field_is_refused_at_its_place_unless_it_is_optional(subject: Subject) -> None:
    """A field left out is null where it may be, and 422 where it may not."""
    rows = good_rows(subject.use_case, 2)
    for field in subject.use_case.fields:
        without = [rows[0], {name: value for name, value in rows[1].items() if name != field.name}]
        if field.optional:
            assert subject.scored(body_of(without)) == subject.scored(body_of([rows[0], rows[1] | {field.name: None}]))
        else:
            assert subject.refused(body_of(without)) == {("body", 1, field.name)}


def an_unknown_field_is_refused_by_its_name(subject: Subject) -> None:
    """A typo is not silence."""
    rows = good_rows(subject.use_case, 2)
    assert subject.refused(body_of([rows[0], rows[1] | {"nmuber": 1}])) == {("body", 1, "nmuber")}


def what_is_no_record_is_refused_at_its_place(subject: Subject) -> None:
    """A body is a list of objects."""
    (row,) = good_rows(subject.use_case, 1)
    for spelling in ("1", "null", "true", '"text"', "[]", "[[]]"):
        assert subject.refused(b"[" + body_of([row])[1:-1] + b"," + spelling.encode() + b"]") == {("body", 1)}
        if spelling != "[]":
            places = subject.refused(spelling.encode())
            assert places <= {("body",), ("body", 0)}, spelling
    assert subject.refused(body_of([row])[1:-1]) == {("body",)}


def an_integral_float_is_an_integer(subject: Subject) -> None:
    """JSON has one type of number: 23.0 is 23."""
    rows = good_rows(subject.use_case, 3)
    whole = [field.name for field in subject.use_case.fields if field.kind is Kind.INTEGER]
    spelled_as_float = [
        {name: float(value) if name in whole and isinstance(value, int) else value for name, value in row.items()}
        for row in rows
    ]
    assert subject.scored(body_of(spelled_as_float)) == subject.scored(body_of(rows))


def a_broken_rule_is_refused_at_its_first_field(subject: Subject) -> None:
    """Both ways of reading a body run the rules between fields."""
    for rule in subject.use_case.rules:
        good, broken = good_rows(subject.use_case, 1), rule_breakers(subject.use_case, rule)
        assert broken, f"no example breaks the rule {rule.message!r}"
        for write in (body_of, slow_body_of):
            response = subject.post(write([*good, broken[0]]))
            (problem,) = response.json()["detail"]
            assert (response.status_code, problem["loc"]) == (422, ["body", 1, rule.fields[0]])
            assert problem["msg"] == rule.message


def scores_are_the_librarys_own(subject: Subject) -> None:
    """Whichever way the body is read."""
    rows = [*good_rows(subject.use_case, 300, seed=5), dict(subject.use_case.example)]
    for write in (body_of, slow_body_of):
        assert_served(subject, subject.scored(write(rows)), rows)


def short_and_full_answers_carry_the_same_scores(subject: Subject) -> None:
    """Whoever writes them."""
    rows, said = good_rows(subject.use_case, 40, seed=6), (*subject.known_by, *subject.model.library.figures)
    scorer = load_scorer(bundle_of(subject.model), subject.use_case)
    columns = derive(columns_of(rows, subject.use_case), subject.use_case)
    scored = Scored(subject.use_case, columns, scorer, scorer.scores(columns))
    short, full = json.loads(whole(short_answer(scored))), json.loads(whole(full_answer(scored)))
    assert short == [{key: answer[key] for key in said} for answer in full]
    assert {tuple(answer) for answer in full} == {(*said, *BESIDE, *(UNKNOWN if subject.use_case.histories else ()))}
    assert full == [answer | {"model_version": scorer.version} for answer in subject.scored(body_of(rows))]


def every_answer_names_the_model_that_gave_it(subject: Subject) -> None:
    """In the header, and in each full answer."""
    for size in (0, 1, 1000):
        response = subject.post(body_of(good_rows(subject.use_case, size)))
        assert response.headers["X-Model-Version"] == subject.version
        assert {answer["model_version"] for answer in response.json()} <= {subject.version}


def the_decision_is_the_thresholds(subject: Subject) -> None:
    """Flagged where the library itself would flag, else passed; the small models know both."""
    answers = subject.scored(body_of(subject.model.training_rows))
    flagged = subject.model.library.flagged(subject.model.matrix(subject.model.training_rows))
    assert [answer["decision"] == "flagged" for answer in answers] == flagged.tolist()
    assert {answer["decision"] for answer in answers} == {"flagged", "passed"}


def what_the_model_was_trained_on_is_scored_without_a_warning(subject: Subject) -> None:
    """Warnings mean something."""
    answers = subject.scored(body_of(subject.model.training_rows))
    assert [answer["warnings"] for answer in answers] == [[]] * len(answers)


def a_value_outside_the_trained_range_is_scored_and_said_so(subject: Subject) -> None:
    """Above the highest value of training, in one field, wherever the record's bounds and rules allow it."""
    warned, profiles = 0, {feature.name: feature for feature in subject.model.manifest.features}
    derived = {each.name for each in subject.use_case.derived}
    for field in subject.use_case.inputs:
        high = profiles[field.name].high if field.name in profiles else None
        if high is None or field.kind is Kind.BOOLEAN or high + 1 > field.high:
            continue
        beyond = formatted(field.kind, high + 1)
        value = beyond if field.kind is Kind.DATE else json.loads(beyond)
        rows = [row | {field.name: value} for row in subject.model.training_rows]
        broken = {problem.row for problem in problems_of(rows, subject.use_case)}
        rows = [row for number, row in enumerate(rows) if number not in broken][:1]
        answers = subject.scored(body_of(rows))
        assert_served(subject, answers, rows)
        for answer in answers:
            warned += 1
            low, high_text = formatted(field.kind, profiles[field.name].low or 0), formatted(field.kind, high)
            message = f"outside the trained range, {low} to {high_text}"
            found = [each for each in warnings_of(answer) if each["field"] not in derived]
            assert found == [{"field": field.name, "message": message}]
    assert warned


def a_derived_value_outside_the_trained_range_is_said_so(subject: Subject) -> None:
    """A warning names a derived value as the model knows it."""
    if all(each.high < LARGEST for each in subject.use_case.derived):
        return
    outside = [dict(subject.use_case.example) | row for row in FAR_AWAY.get(subject.use_case.name, [])]
    found = {each["field"] for answer in subject.scored(body_of(outside)) for each in warnings_of(answer)}
    assert found & {each.name for each in subject.use_case.derived}


def warnings_of(answer: Answer) -> list[dict[str, str]]:
    """What an answer warns of."""
    found: list[dict[str, str]] = json.loads(json.dumps(answer["warnings"]))
    return found


def what_is_carried_changes_no_score(subject: Subject) -> None:
    """A text that the model does not see may be anything."""
    rows = good_rows(subject.use_case, 3)
    for field in subject.use_case.inputs:
        is_seen = field.name not in subject.use_case.carried or field.name in keys_of(subject.use_case)
        if not is_seen and field.kind is Kind.CATEGORY:
            changed = [row | {field.name: "never seen before"} for row in rows]
            assert subject.scored(body_of(changed)) == subject.scored(body_of(rows))


def a_category_never_seen_is_scored_as_missing_and_said_so(subject: Subject) -> None:
    """The model says of a new text what it says of none."""
    (row,) = good_rows(subject.use_case, 1)
    for field in subject.use_case.inputs:
        known = choices(field, subject.use_case) or field.name in subject.use_case.carried
        if field.kind is not Kind.CATEGORY or known:
            continue
        answers = subject.scored(body_of([row | {field.name: "never seen"}]))
        assert_served(subject, answers, [row | {field.name: None}])
        message = "never seen in training, scored as missing"
        assert answers[0]["warnings"] == [{"field": field.name, "message": message}]


def a_missing_value_is_scored_as_the_library_scores_it(subject: Subject) -> None:
    """Every optional field at once, left out."""
    optional = [field.name for field in subject.use_case.fields if field.optional]
    rows = [row | dict.fromkeys(optional) for row in good_rows(subject.use_case, 20)]
    answers = subject.scored(body_of([{name: row[name] for name in row if name not in optional} for row in rows]))
    assert_served(subject, answers, rows)


def what_is_served_says_what_it_was_made_for(subject: Subject) -> None:
    """GET /models/<use case> names version and features in the record's order."""
    served = subject.client.get(f"/models/{subject.use_case.name}").json()
    assert served["version"] == subject.version
    assert tuple(feature["name"] for feature in served["features"]) == subject.use_case.feature_names
    assert math.isclose(served["threshold"], subject.model.manifest.threshold)


CHECKS: tuple[Callable[[Subject], None], ...] = (
    the_example_passes_both_readers_as_the_same_columns,
    good_records_pass_both_readers_as_the_same_columns,
    the_example_in_the_documentation_works,
    the_documentation_says_what_each_field_may_hold,
    nothing_is_answered_with_nothing,
    answers_keep_order_length_and_duplicates,
    the_order_of_keys_does_not_matter,
    every_wrong_value_is_refused_at_its_place,
    a_missing_field_is_refused_at_its_place_unless_it_is_optional,
    an_unknown_field_is_refused_by_its_name,
    what_is_no_record_is_refused_at_its_place,
    an_integral_float_is_an_integer,
    a_broken_rule_is_refused_at_its_first_field,
    scores_are_the_librarys_own,
    short_and_full_answers_carry_the_same_scores,
    every_answer_names_the_model_that_gave_it,
    the_decision_is_the_thresholds,
    what_the_model_was_trained_on_is_scored_without_a_warning,
    a_value_outside_the_trained_range_is_scored_and_said_so,
    a_derived_value_outside_the_trained_range_is_said_so,
    what_is_carried_changes_no_score,
    a_category_never_seen_is_scored_as_missing_and_said_so,
    a_missing_value_is_scored_as_the_library_scores_it,
    what_is_served_says_what_it_was_made_for,
)
