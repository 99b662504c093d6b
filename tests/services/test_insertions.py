"""What /insert is sent, read piece by piece: the same scores and refusals as in one go, in less memory."""

import json
import tracemalloc
from contextlib import suppress

import pytest

from fraud_detection_api.errors import InputRefused
from fraud_detection_api.services.insertions import insertion_in

NAMES = '"project_name": "raizen_gasoline", "table_name": "fraud"'
MANY = 20_000


def body_of(ids: str, probabilities: str, classes: str, more: str = NAMES) -> bytes:
    """A body with these lists, as they are written."""
    return f'{{"id": {ids}, "outlier_prob" :{probabilities},"class_pred":{classes} , {more}}}'.encode()


def repeated(value: str, count: int = MANY, before: str = ",") -> str:
    """A list of one value again and again."""
    return f"[{before.join([value] * count)}]"


def test_long_lists_become_the_scores_that_were_sent() -> None:
    ids, probabilities = [row * 10**14 for row in range(MANY)], [row / MANY for row in range(MANY)]
    classes = ["fraud", "nonfraud"] * (MANY // 2)
    for indent in (None, 1):
        written = (json.dumps(each, indent=indent) for each in (ids, probabilities, classes))
        scores = insertion_in(body_of(*written)).scores
        assert scores.ids.tolist() == ids
        assert scores.probabilities.tolist() == probabilities
        assert list(scores.classes) == classes


def test_of_a_name_that_comes_twice_the_last_counts() -> None:
    body = body_of('["wrong"]', "[0.5]", '["fraud"]', f'{NAMES}, "id": [7]')
    assert insertion_in(body).scores.ids.tolist() == [7]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [('"\\u0061],["', "a],["), ("[[1, 2], {}]", [[1, 2], {}]), ("{}", {}), ("null", None), ('"[1,2]"', "[1,2]")],
)
def test_the_first_wrong_value_is_told_in_its_row_however_far_it_is(wrong: str, text: object) -> None:
    ids = repeated("7", before=" ,\n")[:-1] + f", {wrong}, {wrong}]"
    with pytest.raises(InputRefused) as refused:
        insertion_in(body_of(ids, repeated("0.5"), repeated('"fraud"')))
    assert [(each.kind, each.place, each.value) for each in refused.value.misfits] == [
        ("int_type", ("body", "id", MANY), text)
    ]


@pytest.mark.parametrize("broken", ["[1,]", "[,1]", "[1 2]", "[1", "[1}", "[01]", "[[1]", '["a]'])
def test_what_is_no_json_is_refused_where_the_library_refuses_it(broken: str) -> None:
    body = body_of("[1, 2]", broken, "[]")
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(body)
    with pytest.raises(InputRefused) as refused:
        insertion_in(body)
    [misfit] = refused.value.misfits
    assert (misfit.kind, misfit.place) == ("json_invalid", ("body", expected.value.pos))


@pytest.mark.parametrize(
    "body",
    [
        body_of(repeated("7", 100_000), repeated("0.5", 100_000), repeated('"fraud"', 100_000)),
        body_of(repeated('"a"', 100_000), repeated("7", 100_000), repeated("null", 100_000)),
        body_of(repeated("[]", 100_000), repeated("{}", 100_000), repeated("[]", 100_000)),
        b"{" + b",".join(b'"a%d":[]' % number for number in range(100_000)) + b"}",
    ],
    ids=["good scores", "wrong scores", "empty lists", "unknown names"],
)
def test_reading_takes_less_than_three_times_the_bytes(body: bytes) -> None:
    tracemalloc.start()
    with suppress(InputRefused):
        insertion_in(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * len(body)
