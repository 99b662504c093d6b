"""Texts that a model learns from: the commonest each, all others as one, and none that tell who somebody is."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from pydantic import Field

from fraud_detection_api.errors import DataRefused, UseCaseInvalid
from fraud_detection_api.features.rows import RecordReader
from fraud_detection_api.features.tables import RawColumn, columns_of_table
from fraud_detection_api.model.bundle import REPORT, REPORT_DATA, Bundle
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.answers import Warned
from fraud_detection_api.schemas.learning import Supervised, Unsupervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.tables import Source, read_table
from tests.examples import records_of
from tests.learning import with_learning
from tests.training.claims import CLAIMS, claims_table
from tests.training.fitting import QUICK, fitted, table_file

FEW = with_learning(CLAIMS, most_categories=10)
RARE = "rare or never seen in training, scored as all such texts are"


def claims(rows: int, places: int) -> dict[str, RawColumn]:
    """Claims from so many places, of which the first few are common and risky."""
    table = claims_table(rows)
    drawn = np.minimum(np.random.default_rng(3).geometric(0.05, rows), places)
    return table | {"city": np.array([f"place-{place:04}" for place in drawn], dtype=object)}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model of claims from many more places than it keeps."""
    folder = tmp_path_factory.mktemp("places")
    fitted(table_file(folder, claims(4000, 80)), folder / "models", replace(QUICK, force="a test"), FEW)
    return Registry(folder / "models").bundle(CLAIMS.name, "champion")


def test_the_commonest_are_kept_and_the_others_counted(bundle: Bundle) -> None:
    city = next(feature for feature in bundle.manifest.features if feature.name == "city")
    counts = Counter(claims(4000, 80)["city"].tolist())
    assert city.categories is not None
    assert len(city.categories) == 10
    assert set(city.categories) <= {name for name, _ in counts.most_common(15)}
    assert city.other
    assert city.missing_share == 0


def test_a_rare_text_and_one_never_seen_are_the_same_in_json_and_in_tables(bundle: Bundle, tmp_path: Path) -> None:
    scorer, row = load_scorer(bundle, FEW), FEW.example
    rows = [row | {"city": city} for city in ("place-0079", "never seen", "place-0001", None)]
    from_json = RecordReader(FEW).columns(records_of(rows, FEW))
    lines = [",".join("" if cell is None else str(cell) for cell in each.values()) for each in rows]
    (tmp_path / "claims.csv").write_text("\n".join([",".join(row), *lines]))
    raw, unreadable = read_table(Source(str(tmp_path / "claims.csv")), {each.name: each.kind for each in FEW.fields})
    from_table, problems = columns_of_table(raw, FEW)
    assert unreadable == problems == []
    scores = scorer.scores(from_json).values
    assert scores.tobytes() == scorer.scores(from_table).values.tobytes()
    assert scores[0] == scores[1]
    found = scorer.warnings(from_json)
    assert [Warned("city", RARE) in found.get(place, []) for place in range(4)] == [True, True, False, False]


def test_reports_name_the_commonest_alone(bundle: Bundle) -> None:
    data, page = bundle.attached(REPORT_DATA), bundle.attached(REPORT)
    assert data is not None
    assert page is not None
    city = next(feature for feature in orjson.loads(data)["manifest"]["features"] if feature["name"] == "city")
    assert (len(city["categories"]), city["category_count"]) == (5, 10)
    assert page.count(b"place-") <= 5


def test_a_text_that_is_another_one_in_nearly_each_row_is_refused(tmp_path: Path) -> None:
    unique = np.array([f"someone-{row}@example.org" for row in range(1000)], dtype=object)
    for city, share in ((unique, "1,000 different texts in 1,000 rows"), (unique[np.arange(1000) // 2 * 2], "")):
        data = table_file(tmp_path, claims_table(1000) | {"city": city})
        if not share:
            assert fitted(data, tmp_path / "models", replace(QUICK, force="a test"), CLAIMS).is_champion
            continue
        with pytest.raises(DataRefused, match=f"city holds {share}: it tells rows apart one by one"):
            fitted(data, tmp_path / "models", QUICK, CLAIMS)


@pytest.mark.parametrize("learning", [Supervised("is_fraud"), Unsupervised()])
def test_no_model_learns_from_what_is_marked_personal(learning: Supervised | Unsupervised) -> None:
    class Sender(Record):
        phone: int = Field(examples=[431], json_schema_extra={"x-personal": True})
        amount: float = Field(examples=[1.5])

    assert UseCase("senders", "", Sender, learning, identifier="phone").feature_names == ("amount",)
    with pytest.raises(UseCaseInvalid, match="no model may learn from 'phone', which is personal: carry it"):
        UseCase("senders", "", Sender, learning)


@pytest.mark.parametrize("most", [0, 65_001])
def test_a_bound_on_categories_that_no_model_keeps_is_refused(most: int) -> None:
    with pytest.raises(UseCaseInvalid, match="of a text field, 1 to 65,000 categories are learned"):
        with_learning(CLAIMS, most_categories=most)
