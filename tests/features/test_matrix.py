"""The matrix: float32, one row a record, categories as their codes, nothing where a category was never seen."""

import numpy as np

from fraud_detection_api.features.columns import Columns
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.matrix import KnownTexts, MatrixMaker, categories_of
from fraud_detection_api.schemas.use_case import UseCase
from tests.declared_use_cases import EVERY_USE_CASE, LOAN_APPLICATIONS
from tests.examples import columns_of, good_rows
from tests.small_models import matrix_of

TWO_TEXTS = Columns(
    identifiers=["a", "b", "c"],
    numbers=np.array([[1.5, np.nan, 3.0], [0, 0, 0], [0, 0, 0]]),
    texts={"city": ["Rome", None, "Oslo"], "job": ["cook", "clerk", "cook"]},
)


def features_of(use_case: UseCase) -> Columns:
    """What the model sees of good records."""
    return derive(columns_of(good_rows(use_case, 50), use_case), use_case)


def test_it_is_what_the_library_is_trained_on() -> None:
    for use_case in EVERY_USE_CASE:
        columns = features_of(use_case)
        categories = categories_of(columns.texts, 1000)
        matrix = MatrixMaker(use_case.feature_names, categories).matrix(columns)
        known = {name: known.texts for name, known in categories.items()}
        expected = matrix_of(good_rows(use_case, 50), use_case, known)
        assert (matrix.dtype.name, matrix.shape) == ("float32", expected.shape)
        assert matrix.flags.c_contiguous
        assert matrix.tobytes() == expected.tobytes()


def test_categories_are_their_place_among_the_known_ones() -> None:
    maker = MatrixMaker(["amount", "city", "job"], {"city": KnownTexts(("Oslo", "Rome")), "job": KnownTexts(("cook",))})
    expected = np.array([[1.5, 1, 0], [np.nan, np.nan, np.nan], [3, 0, 0]], dtype=np.float32)
    np.testing.assert_array_equal(maker.matrix(TWO_TEXTS), expected)


def test_categories_never_seen_are_named_with_their_rows() -> None:
    maker = MatrixMaker(
        ["amount", "city", "job"], {"city": KnownTexts(("Oslo",)), "job": KnownTexts(("cook", "clerk"))}
    )
    assert maker.unseen(TWO_TEXTS) == {"city": [0]}


def test_categories_of_a_table_are_sorted_and_hold_nothing_twice() -> None:
    known = {"city": KnownTexts(("Oslo", "Rome")), "job": KnownTexts(("clerk", "cook"))}
    assert categories_of(TWO_TEXTS.texts, 2) == known


def test_the_commonest_categories_are_kept_and_all_others_are_one() -> None:
    texts: dict[str, list[str | None]] = {"city": ["Rome", "Oslo", None, "Graz", "Rome", "Linz", "Linz"]}
    assert categories_of(texts, 2) == {"city": KnownTexts(("Linz", "Rome"), has_other=True)}
    assert categories_of(texts, 3) == {"city": KnownTexts(("Graz", "Linz", "Rome"), has_other=True)}
    maker = MatrixMaker(["city"], categories_of(texts, 2))
    columns = Columns(["a"] * 8, np.zeros((1, 8)), {"city": [*texts["city"], "never seen"]})
    np.testing.assert_array_equal(maker.matrix(columns)[:, 0], [1, 2, np.nan, 2, 1, 0, 0, 2])
    assert maker.unseen(columns) == {"city": [1, 3, 7]}


def test_some_rows_of_columns_are_columns() -> None:
    taken = TWO_TEXTS.take(np.array([2, 0]))
    assert (taken.identifiers, taken.texts["city"], len(taken)) == (["c", "a"], ["Oslo", "Rome"], 2)
    assert taken.numbers[0].tolist() == [3.0, 1.5]
    numbered = features_of(EVERY_USE_CASE[0])
    assert numbered.take(np.array([7])).identifiers == numbered.identifiers[7:8]


def test_the_columns_hold_days_and_booleans_as_numbers() -> None:
    columns = features_of(LOAN_APPLICATIONS)
    names = LOAN_APPLICATIONS.feature_names
    assert set(columns.numbers[names.index("is_first_loan")].tolist()) == {0.0, 1.0}
    assert (columns.numbers[names.index("purpose")] == 0).all()
