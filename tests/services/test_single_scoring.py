"""One record alone, or a bare vector: the same line as for lists, refusals without a row, answers without a list."""

import json
from pathlib import Path

import numpy as np
import pytest

from fraud_detection_api.errors import RecordsRefused
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import Observer, Scored, full_answer, inlier_answer, whole
from fraud_detection_api.services.body_readers import RecordBody, VectorBody
from fraud_detection_api.services.scoring import Scoring
from fraud_detection_api.services.served_models import ServedModel
from fraud_detection_api.storage.answer_log.entry import AnsweredRequest, packed, packed_forms, unpacked, unpacked_forms
from tests.declared_use_cases import LOAN_APPLICATIONS, METER_READINGS, SCORED_ALONE
from tests.examples import body_of, good_rows, rule_breakers, slow_body_of
from tests.readers import HAS_QUICK_WAY
from tests.small_models import SmallModel, promoted


def served(model: SmallModel, folder: Path) -> ServedModel:
    """A small model as its use case's champion."""
    promoted(Registry(folder), model)
    found = ServedModel(model.use_case, Registry(folder))
    found.refresh()
    return found


def single(model: SmallModel, folder: Path) -> Scoring:
    """Scoring of one record, in full."""
    return Scoring(model.use_case, served(model, folder), RecordBody(model.use_case), full_answer)


def of_vectors(model: SmallModel, folder: Path, *observers: Observer) -> Scoring:
    """Scoring of bare vectors."""
    return Scoring(model.use_case, served(model, folder), VectorBody(model.use_case), inlier_answer, observers)


@pytest.mark.parametrize("use_case", SCORED_ALONE, ids=lambda use_case: use_case.name)
def test_both_ways_answer_what_the_writer_says_of_the_record(
    small_models: dict[str, SmallModel], tmp_path: Path, use_case: UseCase
) -> None:
    scoring = single(small_models[use_case.name], tmp_path)
    for row in good_rows(use_case, 5, seed=31):
        body = body_of([row])[1:-1]
        slow, quick = scoring.answer_any(body), scoring.answer_plain(body)
        assert quick == (slow if HAS_QUICK_WAY else None)
        assert len(json.loads(whole(slow.content))) == 1
        assert scoring.answer_plain(slow_body_of([row])[1:-1]) is None


def test_a_rule_that_one_record_breaks_is_told_without_a_row(
    small_models: dict[str, SmallModel], tmp_path: Path
) -> None:
    scoring = single(small_models["loan_applications"], tmp_path)
    for rule in LOAN_APPLICATIONS.rules:
        row = rule_breakers(LOAN_APPLICATIONS, rule)[0]
        assert scoring.answer_plain(body_of([row])[1:-1]) is None
        with pytest.raises(RecordsRefused) as refused:
            scoring.answer_any(body_of([row])[1:-1])
        assert refused.value.alone
        (problem,) = refused.value.problems
        assert (problem.field, problem.message) == (rule.fields[0], rule.message)


@pytest.mark.parametrize("body", [b"", b" ", b"{}", b"1", b"[]", b"[1]"])
def test_what_is_no_record_is_left_to_pydantic(
    small_models: dict[str, SmallModel], tmp_path: Path, body: bytes
) -> None:
    scoring = single(small_models["meter_readings"], tmp_path)
    assert scoring.answer_plain(body) is None
    row = body_of(good_rows(METER_READINGS, 1))[1:-1]
    for two in (row + b"," + row, row + b"],[" + row, b"[" + row + b"]"):
        assert scoring.answer_plain(two) is None


def test_a_vector_is_kept_without_anybody_that_it_would_be_about(
    small_models: dict[str, SmallModel], tmp_path: Path
) -> None:
    heard: list[Scored] = []
    scoring = of_vectors(small_models["meter_readings"], tmp_path, heard.append)
    row = good_rows(METER_READINGS, 1)[0]
    vector = [float(row[name] or 0) for name in METER_READINGS.feature_names]
    answer = scoring.answer_any(json.dumps({"feature_vector": vector, "score": True}).encode())
    (kept,) = heard
    assert (len(kept), len(kept.columns.identifiers)) == (1, 0)
    assert kept.columns.numbers.tolist() == [[value] for value in vector]
    assert json.loads(whole(answer.content))["anomaly_score"] == kept.scores.anomaly_scores[0]
    assert scoring.answer_plain(json.dumps({"feature_vector": vector}).encode()) is None


def test_what_is_kept_of_a_vector_names_nobody() -> None:
    form = unpacked_forms(packed_forms({"meter_readings": METER_READINGS}))["meter_readings"]
    scores, numbers = np.array([0.75], dtype=np.float32), np.array([[3.0], [1.5], [8.0], [1.0]])
    kept = AnsweredRequest(
        "meter_readings", "/prediction/meter_readings", "asked", "1-0f5c2a9b", 0, scores, scores > 1, None, numbers
    )
    found = unpacked(packed(kept))
    assert found.keys("entry") == ["asked:0"]
    (record,) = found.records(form)
    assert json.loads(record or "") == {"readings": 3, "lowest": 1.5, "highest": 8.0, "is_remote": True}


def test_a_rule_that_a_vector_breaks_is_told_by_its_field(small_models: dict[str, SmallModel], tmp_path: Path) -> None:
    scoring = of_vectors(small_models["meter_readings"], tmp_path)
    with pytest.raises(RecordsRefused) as refused:
        scoring.answer_any(b'{"feature_vector": [3.0, 9.0, 8.0, 1.0]}')
    assert [problem.field for problem in refused.value.problems] == ["lowest"]
    assert refused.value.alone
