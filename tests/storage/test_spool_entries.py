"""Answers as they lie in the spool: whatever was asked and answered comes back from the bytes."""

import json

import numpy as np
import pytest

from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.answer_log.entry import (
    AnsweredRequest,
    as_answered,
    packed,
    packed_forms,
    unpacked,
    unpacked_forms,
)
from tests.declared_use_cases import EVERY_USE_CASE
from tests.examples import good_rows, records_of

MOMENT = 1_700_000_000_123_456_789


def answer_about(use_case: UseCase, size: int, *, with_records: bool = True) -> AnsweredRequest:
    """An answer about made-up records, with the scores 0, 1/size and so on."""
    columns = RecordReader(use_case).columns(records_of(good_rows(use_case, size, seed=5), use_case))
    scores = (np.arange(size) / max(size, 1)).astype(np.float32)
    return AnsweredRequest(
        use_case=use_case.name,
        address=f"/score/{use_case.name}",
        request_id="asked-by:me",
        model_version="1-abc",
        answered_at=MOMENT,
        scores=scores,
        flagged=scores >= 0.5,
        identifiers=None if use_case.identifier is None else columns.identifiers,
        numbers=columns.numbers if with_records else None,
        texts=columns.texts if with_records else {},
    )


@pytest.mark.parametrize("use_case", EVERY_USE_CASE, ids=lambda each: each.name)
@pytest.mark.parametrize("size", [1, 60])
def test_every_kind_of_record_comes_back_as_it_was_sent(use_case: UseCase, size: int) -> None:
    rows = good_rows(use_case, size, seed=5)
    form = unpacked_forms(packed_forms({use_case.name: use_case}))[use_case.name]
    found = unpacked(packed(answer_about(use_case, size)))
    assert [json.loads(record or "") for record in found.records(form)] == rows
    places = [f"asked-by:me:{place}" for place in range(size)]
    assert found.keys("id") == ([str(row[use_case.identifier]) for row in rows] if use_case.identifier else places)


@pytest.mark.parametrize("use_case", EVERY_USE_CASE, ids=lambda each: each.name)
def test_without_records_the_scores_and_keys_come_back_alone(use_case: UseCase) -> None:
    form = unpacked_forms(packed_forms({use_case.name: use_case}))[use_case.name]
    kept = answer_about(use_case, 7, with_records=False)
    found = unpacked(packed(kept))
    assert found.records(form) == [None] * 7
    assert found.scores.tobytes() == kept.scores.tobytes()
    assert found.flagged.tolist() == [False] * 4 + [True] * 3
    assert found.keys("id") == answer_about(use_case, 7).keys("id")
    assert found.moment.isoformat() == "2023-11-14T22:13:20.123456+00:00"
    assert (found.use_case, found.address, found.model_version) == (use_case.name, kept.address, "1-abc")


def test_a_score_reads_as_the_answer_spelled_it() -> None:
    kept = answer_about(EVERY_USE_CASE[0], 10)
    assert as_answered(kept.scores) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_without_a_request_id_the_entry_names_the_records() -> None:
    kept = AnsweredRequest("cards", "/x", "", "1", MOMENT, np.zeros(2, np.float32), np.zeros(2, np.bool_), None)
    assert kept.keys("entry") == ["entry:0", "entry:1"]
