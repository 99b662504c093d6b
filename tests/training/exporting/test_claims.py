"""A use case with texts, missing values and dates: pipelines are exported and trees walked, whatever a record holds."""

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer  # type: ignore[import-untyped]  # as above
from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]  # as above
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # as above
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # as above
from sklearn.preprocessing import OneHotEncoder  # type: ignore[import-untyped]  # as above

from fraud_detection_api.errors import ExportRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.onnx_model import OnnxModel
from fraud_detection_api.model.tree_ensemble import TreeEnsemble
from fraud_detection_api.training.boosting import FitSettings
from fraud_detection_api.training.comparing.candidates import fitted_as
from fraud_detection_api.training.comparing.fold_table import FoldTable
from fraud_detection_api.training.comparing.grid import FOREST_GRID
from fraud_detection_api.training.comparing.pipelines import MOST_CODES, FittedPipeline, fitted_pipeline, forest
from fraud_detection_api.training.exporting.exporting import exported
from fraud_detection_api.training.exporting.originals import original_scores
from fraud_detection_api.training.exporting.tree_file import original_shares, tree_file
from fraud_detection_api.training.tables.dataset import Period, dataset_of
from fraud_detection_api.training.tables.folds import folds_before_validation
from fraud_detection_api.training.tables.split import split
from tests.training.claims import CLAIMS, claims_table

A_POINT = "a point of the grid"


@pytest.fixture(scope="module", params=["few cities", "more cities than columns"])
def table(request: pytest.FixtureRequest) -> FoldTable:
    """The last fold of some claims; where cities are many, the rarest share a column."""
    claims = claims_table(1_500)
    if request.param != "few cities":
        drawn = np.random.default_rng(1).geometric(0.05, 1_500)
        claims["city"] = np.array([None if city % 7 == 0 else f"city {city}" for city in drawn], dtype=object)
    dataset = dataset_of(claims, [], CLAIMS, Period(), skip_bad_rows=False)
    fold = FoldTable.of(CLAIMS, dataset, folds_before_validation(dataset, split(dataset, None, 0), 2, None, 0)[-1])
    codes = fold.training[:, fold.positions(of_categories=True)]
    assert (np.nanmax(codes) > MOST_CODES) == (request.param != "few cities")
    return fold


def trials(table: FoldTable) -> Matrix:
    """Rows to judge, the same with each feature missing in turn, with codes that nobody has seen, and with nothing."""
    without = np.repeat(table.validation_rows[:1], table.validation_rows.shape[1], axis=0)
    np.fill_diagonal(without, np.nan)
    new = table.validation_rows[:4].copy()
    new[:, table.positions(of_categories=True)] = np.array([[-1], [999], [0.5], [-0.0]], np.float32)
    return np.concatenate([table.validation_rows, without, new, np.full_like(new, np.nan)])


def fitted_to(table: FoldTable, name: str) -> FittedPipeline:
    """A pipeline as `--model` fits it, or a forest at a point of its grid."""
    if name == A_POINT:
        return fitted_pipeline(forest(0, 1, **FOREST_GRID[-2]), table, table.fold.training)
    return fitted_as(name, table, FitSettings(threads=1))


@pytest.mark.parametrize("name", ["logistic", "svm"])
def test_pipelines_of_claims_say_the_same_of_every_row(name: str, table: FoldTable) -> None:
    fitted = fitted_to(table, name)
    model, rows = OnnxModel.read(exported(fitted.pipeline, table.training)), trials(table)
    assert np.abs(model.scores(rows) - original_scores(fitted.pipeline, rows)).max() < 1e-12
    assert np.abs(model.probabilities(rows) - fitted.probabilities(rows)).max() <= 1e-6
    one_by_one = np.concatenate([model.probabilities(rows[at : at + 1]) for at in range(len(rows))])
    assert one_by_one.tobytes() == model.probabilities(rows).tobytes()


@pytest.mark.parametrize("name", ["forest", A_POINT, "tree"])
def test_trees_see_claims_as_they_are_and_keep_their_bits(name: str, table: FoldTable) -> None:
    pipeline = fitted_to(table, name).pipeline
    assert [step for step, _ in pipeline.steps] == ["model"]
    fitted = pipeline.named_steps["model"]
    own, rows = TreeEnsemble.read(tree_file(fitted, table.training)[0]), trials(table)
    assert own.shares(rows).tobytes() == original_shares(fitted, rows).tobytes()
    np.testing.assert_allclose(own.contributions(rows).sum(axis=1), own.shares(rows), atol=1e-12, rtol=0)
    assert own.contributions(rows).shape[1] == len(CLAIMS.feature_names) + 1


@pytest.mark.parametrize("dropped", [None, "first", "if_binary"])
@pytest.mark.parametrize("unknown", ["ignore", "infrequent_if_exist"])
def test_encoders_of_a_teams_own_are_looked_up_column_by_column(dropped: str | None, unknown: str) -> None:
    random = np.random.default_rng(2)
    rows = np.column_stack([random.geometric(p, 600) - 1 for p in (0.1, 0.5, 0.9)] + [random.integers(0, 2, 600)])
    matrix = rows.astype(np.float32)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    encoder = OneHotEncoder(drop=dropped, handle_unknown=unknown, min_frequency=9)
    columns = ColumnTransformer([("codes", encoder, [2, 0, 3])], remainder=SimpleImputer(add_indicator=True))
    pipeline = make_pipeline(columns, LogisticRegression()).fit(matrix.astype(np.float64), rows[:, 0] > 9)
    model = OnnxModel.read(exported(pipeline, matrix))
    tried = np.concatenate([matrix, np.full((1, 4), 77, np.float32), np.full((1, 4), np.nan, np.float32)])
    assert np.abs(model.scores(tried) - original_scores(pipeline, tried)).max() < 1e-12


def test_an_encoder_that_ends_in_an_error_where_a_category_is_new_is_refused() -> None:
    rows = np.random.default_rng(3).integers(0, 4, (200, 2)).astype(np.float32)
    pipeline = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(rows.astype(np.float64), rows[:, 0] > 1)
    with pytest.raises(ExportRefused, match="let it ignore such"):
        exported(pipeline, rows)
