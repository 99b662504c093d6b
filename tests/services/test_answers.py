"""Answers as bytes: JSON that reads back as the same identifiers and the same float32."""

import json
from contextlib import nullcontext

import numpy as np
import pytest
from pydantic import Field

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.model.kinds.xgboost import XGBOOST
from fraud_detection_api.model.manifest import Feature
from fraud_detection_api.model.scorer import Scorer
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.reasons import JUST_SCORES
from fraud_detection_api.schemas.record import Kind, Record
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.answers import (
    AT_ONCE,
    LongAnswer,
    Scored,
    full_answer,
    short_answer,
    whole,
    writer_of,
)
from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS
from tests.small_models import SmallModel

NASTY_TEXTS = ['"', "\\", "\n", "caf\u00e9 \u4e2d \U0001f600", "%s %d {}", "", "\u2028", "</script>", "\x00"]
WRITERS = (short_answer, full_answer)
EDGES = [0.0, 1.0, 0.1, 1e-45, 1.1754944e-38, 0.99999994, 5.960464477539063e-08, 1 / 3, 0.5]


class Keyed(Record):
    """A record whose identifier is named key."""

    key: int = Field(examples=[1])
    amount: float = Field(examples=[1])


KEYED = UseCase(name="keyed", title="", record=Keyed, learning=Supervised(label="label"), identifier="key")


class Fixed:
    """A runtime that says what it is told to."""

    is_quick = True

    def __init__(self, probabilities: list[float]) -> None:
        self.given = np.array(probabilities, dtype=np.float32)

    def probabilities(
        self, matrix: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
    ) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
        """What it was told, one a row."""
        return self.given[: len(matrix)]

    def contributions(
        self, matrix: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
    ) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        """Nothing pushes."""
        return np.zeros((len(matrix), matrix.shape[1] + 1))


def scored(columns: Columns, model: SmallModel, probabilities: list[float], threshold: float = 0.5) -> Scored:
    """Records of one feature that got these probabilities."""
    features = (Feature(name="amount", kind=Kind.NUMBER, low=0, high=1),)
    manifest = model.manifest.model_copy(update={"features": features, "threshold": threshold})
    scorer = Scorer("3-0f5c2a9b", manifest, XGBOOST, Fixed(probabilities))
    return Scored(KEYED, columns, scorer, scorer.scores(columns))


def columns(identifiers: list[str] | list[int], amounts: list[float]) -> Columns:
    """Columns of one feature."""
    keys = identifiers if isinstance(identifiers[0], str) else np.array(identifiers, dtype=np.int64)
    return Columns(keys, np.array([amounts]))


def test_probabilities_read_back_as_the_same_float32(credit_model: SmallModel) -> None:
    found = whole(short_answer(scored(columns(list(range(len(EDGES))), EDGES), credit_model, EDGES)))
    values = np.array([row["fraud_probability"] for row in json.loads(found)], dtype=np.float32)
    assert values.tobytes() == np.array(EDGES, dtype=np.float32).tobytes()


def test_identifiers_of_64_bits_keep_every_digit(credit_model: SmallModel) -> None:
    keys = [2**63 - 1, -(2**63), 0, 2**53 + 1]
    found = json.loads(whole(short_answer(scored(columns(keys, [0.5] * 4), credit_model, [0.5] * 4))))
    assert found == [{"key": key, "fraud_probability": 0.5} for key in keys]


def test_identifiers_of_text_are_escaped(credit_model: SmallModel) -> None:
    size = len(NASTY_TEXTS)
    for write in WRITERS:
        found = json.loads(whole(write(scored(columns(NASTY_TEXTS, [0.5] * size), credit_model, [0.5] * size))))
        assert [row["key"] for row in found] == NASTY_TEXTS


def test_the_full_answer_says_everything(credit_model: SmallModel) -> None:
    found = json.loads(whole(full_answer(scored(columns([7, 8], [0.5, 3]), credit_model, [0.25, 0.75]))))
    assert found == [
        {
            "key": 7,
            "fraud_probability": 0.25,
            "decision": "passed",
            "warnings": [],
            "model_version": "3-0f5c2a9b",
        },
        {
            "key": 8,
            "fraud_probability": 0.75,
            "decision": "flagged",
            "warnings": [{"field": "amount", "message": "outside the trained range, 0 to 1"}],
            "model_version": "3-0f5c2a9b",
        },
    ]


def test_no_records_are_an_empty_list(credit_model: SmallModel) -> None:
    nothing = scored(Columns([], np.zeros((1, 0))), credit_model, [])
    assert (short_answer(nothing), full_answer(nothing)) == (b"[]", b"[]")


@pytest.mark.parametrize("threshold", [0.1, 0.5, 1 / 3, 0.30000001192092896])
def test_at_the_threshold_is_flagged_and_one_bit_below_is_passed(credit_model: SmallModel, threshold: float) -> None:
    at = np.float32(threshold)
    both = [float(at), float(np.nextafter(at, np.float32(0)))]
    found = json.loads(whole(full_answer(scored(columns([1, 2], both), credit_model, both, threshold))))
    assert [answer["decision"] for answer in found] == ["flagged", "passed"]


def test_the_threshold_of_a_single_answer_is_spelled_as_the_probabilities_that_it_divides(
    credit_model: SmallModel,
) -> None:
    at = float(np.float32(0.54097974))  # as a threshold that is a record's own probability
    (address,) = CARD_TRANSACTIONS.addresses
    write = writer_of(address, CARD_TRANSACTIONS, nullcontext)
    found = json.loads(whole(write(scored(columns([7], [0.5]), credit_model, [at], threshold=at), JUST_SCORES)))
    assert found == {
        "prediction": 1,
        "fraud_probability": 0.54097974,
        "threshold": 0.54097974,
        "model_version": "3-0f5c2a9b",
    }


def test_a_long_answer_is_written_in_parts_that_are_one_list(credit_model: SmallModel) -> None:
    keys, values = list(range(AT_ONCE * 2 + 1)), [0.5] * (AT_ONCE * 2 + 1)
    long = scored(columns(keys, values), credit_model, values)
    for write in WRITERS:
        answer = write(long)
        assert isinstance(answer, LongAnswer)
        assert len(whole(answer)) == len(answer)
        assert [each["key"] for each in json.loads(whole(answer))] == keys


def test_a_long_winded_answer_takes_a_fraction_of_its_bytes_until_it_is_sent(credit_model: SmallModel) -> None:
    values = [9.0] * (AT_ONCE * 2 + 1)  # each is warned of
    short, full = (write(scored(columns([7] * len(values), values), credit_model, values)) for write in WRITERS)
    assert isinstance(short, LongAnswer)
    assert isinstance(full, LongAnswer)
    assert sum(len(part) for part, _ in short.parts) == len(short)
    assert sum(len(part) for part, _ in full.parts) < len(full) / 10
