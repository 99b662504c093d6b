"""The packer in C takes no recipe and no records that lead it outside of what it was given."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

pytestmark = pytest.mark.compiled
Row = Sequence[int]
Texts = list[list[str | None]]
UNUSED = [0] * 64


@dataclass(frozen=True)
class Recipe:
    """One amount, a text and an identifier that are hashed, and one history of the text with both in its entry."""

    columns: int = 2
    texts: int = 1
    time: int = 0
    unit: int = 1
    secret: bytes = bytes(32)
    amounts: Sequence[Row] = ((1, 100, 4, 10_000),)
    sources: Sequence[Row] = ((1, 0), (2, 0))
    hashed: Sequence[Row] = ((0, 1), (1, 1))
    recipes: Sequence[Row] = field(default_factory=lambda: [[0, 1, 1, 0, 1, *UNUSED[2:]]])

    def packed(
        self, numbers: Sequence[Sequence[float]], ids: Row, texts: Texts
    ) -> list[tuple[list[bytes | None], list[bytes]]]:
        """What it makes of records."""
        from fraud_detection_api.features._packed_records import Packer

        rows = [np.array(each, np.int64).tobytes() for each in (self.amounts, self.sources, self.hashed, self.recipes)]
        packer = Packer(self.columns, self.texts, self.time, self.unit, self.secret, *rows)
        return packer.pack(np.array(numbers, np.float64).data, np.array(ids, np.int64).tobytes(), texts)


SOUND = Recipe()
NUMBERS: list[list[float]] = [[7], [1.5]]
TEXT: Texts = [["a"]]


def test_a_sound_recipe_packs() -> None:
    ((keys, entries),) = SOUND.packed(NUMBERS, [3], TEXT)
    assert keys[0] is not None
    assert len(keys[0]) == 8
    assert entries[0].startswith((7).to_bytes(8, "big") + (3).to_bytes(8, "big") + bytes(4) + (150).to_bytes(4, "big"))
    assert len(entries[0]) == 8 + 8 + 4 + 4 + 6
    assert SOUND.packed([[7], [np.nan]], [3], [[None]])[0] == (
        [None],
        [entries[0][:20] + b"\x80\0\0\0" + entries[0][24:]],
    )


WRONG: list[dict[str, object]] = [
    {"columns": 0},
    {"columns": -1},
    {"columns": 2**62},
    {"columns": 2**59, "time": 2**30},
    {"columns": 4_097},
    {"columns": 1},
    {"texts": 0},
    {"texts": -1},
    {"time": 2},
    {"time": -1},
    {"unit": 0},
    {"secret": bytes(31)},
    {"amounts": ((2, 100, 4, 10_000),)},
    {"amounts": ((-1, 100, 4, 10_000),)},
    {"amounts": ((1, 0, 4, 10_000),)},
    {"amounts": ((1, 100, 5, 10_000),)},
    {"amounts": ((1, 100, 4, 2**31),)},
    {"amounts": ((1, 100, 4, -1),)},
    {"amounts": ((1, 100, 4, 1),) * 65},
    {"amounts": (1, 100, 4)},
    {"sources": ((1, 1), (2, 0))},
    {"sources": ((3, 0), (2, 0))},
    {"sources": ((-1, 0), (2, 0))},
    {"sources": ((0, 2), (2, 0))},
    {"sources": ((1, 0), (2, 1))},
    {"hashed": ((0, 1), (2, 1))},
    {"hashed": ((0, 1), (1, 2))},
    {"hashed": ((0, 1), (1, 2**63 - 1))},
    {"hashed": ((0, 0), (1, 1))},
    {"hashed": ((-1, 1), (1, 1))},
    {"recipes": [[2, 1, 1, 0, 1, *UNUSED[2:]]]},
    {"recipes": [[-1, 1, 1, 0, 1, *UNUSED[2:]]]},
    {"recipes": [[0, 65, 0, *UNUSED]]},
    {"recipes": [[0, -1, 0, *UNUSED]]},
    {"recipes": [[0, 1, 64, *UNUSED]]},
    {"recipes": [[0, 1, 2**63 - 1, *UNUSED]]},
    {"recipes": [[0, 1, 1, 1, 1, *UNUSED[2:]]]},
    {"recipes": [[0, 1, 1, 0, 2, *UNUSED[2:]]]},
    {"recipes": [[0, 1, 1, 0, 1]]},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_leads_outside_is_no_recipe(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no such recipe"):
        replace(SOUND, **wrong).packed(NUMBERS, [3], TEXT)  # type: ignore[arg-type]  # of whatever kind


@pytest.mark.parametrize(
    ("numbers", "ids", "texts"),
    [
        ([[7]], [3], [["a"]]),
        ([[7], [1.5], [0]], [3], [["a"]]),
        ([[7], [1.5]], [3, 4], [["a"]]),
        ([[7], [1.5]], [3], []),
        ([[7], [1.5]], [3], [["a"], ["b"]]),
        ([[7], [1.5]], [3], [["a", "b"]]),
        ([[7], [1.5]], [3], ["a"]),
        ([[7], [100.01]], [3], [["a"]]),
        ([[7], [np.inf]], [3], [["a"]]),
        ([[7], [-np.inf]], [3], [["a"]]),
        ([[np.nan], [1.5]], [3], [["a"]]),
        ([[1e15], [1.5]], [3], [["a"]]),
    ],
)
def test_records_that_do_not_fit_are_refused(numbers: Sequence[Sequence[float]], ids: Row, texts: Texts) -> None:
    with pytest.raises(ValueError, match=r"do not fit together|outside of what"):
        SOUND.packed(numbers, ids, texts)


@pytest.mark.parametrize("texts", [[[1]], [["\ud800"]]])
def test_what_is_no_text_has_no_hash(texts: Texts) -> None:
    with pytest.raises((TypeError, UnicodeEncodeError)):
        SOUND.packed([[7], [1.5]], [3], texts)


@pytest.mark.parametrize("number", [2.0**63, -(2.0**64), np.inf])
def test_a_number_of_too_many_digits_is_left_to_numpy(number: float) -> None:
    recipe = replace(SOUND, sources=((1, 0), (0, 0)), time=1, amounts=((1, 100, 4, 10_000),))
    with pytest.raises(ValueError, match="no hash"):
        recipe.packed([[number], [1]], [3], [["a"]])
