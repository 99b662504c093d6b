"""The scorer: proven on its own reference rows before it scores, and open about what it was not trained on."""

from dataclasses import replace

import numpy as np
import pytest
import xgboost

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.model.bundle import Bundle, Reference
from fraud_detection_api.model.forest import Forest
from fraud_detection_api.model.isolation_forest import IsolationForest
from fraud_detection_api.model.kinds.kind import gives_same_bits
from fraud_detection_api.model.kinds.xgboost import XGBOOST
from fraud_detection_api.model.manifest import Feature, Manifest
from fraud_detection_api.model.onnx_model import OnnxModel
from fraud_detection_api.model.scorer import Scorer, load_scorer
from fraud_detection_api.model.tree_ensemble import TreeEnsemble
from fraud_detection_api.model.xgboost_library import LibraryModel
from fraud_detection_api.schemas.answers import Warned
from fraud_detection_api.schemas.learning import Supervised, Unsupervised
from fraud_detection_api.schemas.record import Kind
from tests.declared_use_cases import CARD_TAPS, EVERY_USE_CASE, WIRE_TRANSFERS
from tests.small_libraries import Boosted, Grown, Isolated, Piped, library_of
from tests.small_models import SmallModel, bundle_of

BY_NAME = {use_case.name: use_case for use_case in EVERY_USE_CASE}
BOOSTED = [name for name, use_case in BY_NAME.items() if library_of(use_case) is Boosted]
OTHERS = [name for name, use_case in BY_NAME.items() if library_of(use_case) not in (Boosted, Grown)]
RUNTIMES = {Boosted: Forest, Grown: TreeEnsemble, Isolated: IsolationForest, Piped: OnnxModel}


def with_reference(bundle: Bundle, probabilities: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> Bundle:
    """The bundle with other reference probabilities."""
    return Bundle(bundle.version, bundle.manifest, bundle.model, Reference(bundle.reference.matrix, probabilities))


@pytest.mark.compiled
@pytest.mark.parametrize("name", BY_NAME)
def test_every_kind_of_model_is_scored_by_its_own_runtime(small_models: dict[str, SmallModel], name: str) -> None:
    scorer = load_scorer(bundle_of(small_models[name]), BY_NAME[name])
    assert type(scorer.runtime) is RUNTIMES[library_of(BY_NAME[name])]


@pytest.mark.compiled
@pytest.mark.parametrize("name", BOOSTED)
def test_the_library_gives_the_same_bits(small_models: dict[str, SmallModel], name: str) -> None:
    bundle = bundle_of(small_models[name])
    assert gives_same_bits(LibraryModel.read(bundle.model), bundle.reference)
    assert gives_same_bits(Forest.read(bundle.model), bundle.reference)


@pytest.mark.compiled
@pytest.mark.parametrize("name", BOOSTED)
def test_the_library_explains_in_the_same_way(small_models: dict[str, SmallModel], name: str) -> None:
    bundle = bundle_of(small_models[name])
    own, librarys = (each.read(bundle.model).contributions(bundle.reference.matrix) for each in (Forest, LibraryModel))
    np.testing.assert_allclose(own, librarys, atol=1e-5)


def test_a_model_that_the_forest_cannot_read_is_scored_by_the_library(credit_model: SmallModel) -> None:
    bundle = bundle_of(credit_model)
    as_ubj = Bundle(
        bundle.version, bundle.manifest, bytes(credit_model.booster.save_raw("ubj")), reference=bundle.reference
    )
    assert isinstance(load_scorer(as_ubj, credit_model.use_case).runtime, LibraryModel)


def test_one_other_bit_in_the_reference_is_refused(credit_model: SmallModel) -> None:
    bundle = bundle_of(credit_model)
    probabilities = bundle.reference.scores.copy()
    probabilities[-1] = np.nextafter(probabilities[-1], np.float32(1))
    with pytest.raises(BundleRefused, match=f"gives other probabilities than {xgboost.__version__} did"):
        load_scorer(with_reference(bundle, probabilities), credit_model.use_case)


def test_one_other_bit_in_the_reference_of_trees_is_refused(small_models: dict[str, SmallModel]) -> None:
    bundle = bundle_of(small_models[CARD_TAPS.name])
    scores = bundle.reference.scores.copy()
    scores[-1] = np.nextafter(scores[-1], np.float32(0.5))
    with pytest.raises(BundleRefused, match="give other probabilities here than when it was made"):
        load_scorer(with_reference(bundle, scores), CARD_TAPS)


@pytest.mark.parametrize("name", OTHERS)
def test_another_score_in_the_reference_of_other_kinds_is_refused(
    small_models: dict[str, SmallModel], name: str
) -> None:
    bundle, use_case = bundle_of(small_models[name]), BY_NAME[name]
    scores = bundle.reference.scores.copy()
    scores[-1] += np.float32(3e-7)
    load_scorer(with_reference(bundle, scores), use_case)  # as near as is promised
    scores[-1] += np.float32(3e-6)
    with pytest.raises(BundleRefused, match="gives other scores here than when it was made"):
        load_scorer(with_reference(bundle, scores), use_case)


def test_a_kind_of_model_that_nobody_knows_is_refused_by_its_name(credit_model: SmallModel) -> None:
    bundle = bundle_of(credit_model)
    manifest = bundle.manifest.model_copy(update={"model_kind": "crystal_ball"})
    unknown = Bundle(bundle.version, manifest, bundle.model, bundle.reference)
    with pytest.raises(BundleRefused, match="a kind that is not known here: crystal_ball"):
        load_scorer(unknown, credit_model.use_case)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("kind", ["xgboost", "onnx", "isolation_forest"])
def test_a_model_of_another_kind_than_its_manifest_says_is_refused(
    small_models: dict[str, SmallModel], name: str, kind: str
) -> None:
    bundle = bundle_of(small_models[name])
    if kind == bundle.manifest.model_kind:
        return
    mislabelled = bundle.manifest.model_copy(update={"model_kind": kind})
    with pytest.raises((BundleRefused, ValueError)):  # XGBoost words its own
        load_scorer(Bundle(bundle.version, mislabelled, bundle.model, bundle.reference), BY_NAME[name])


@pytest.mark.parametrize("name", ["platform_activity", "credit_accounts"])
def test_a_bundle_that_learned_with_labels_where_there_are_none_is_refused_and_the_other_way_round(
    small_models: dict[str, SmallModel], name: str
) -> None:
    bundle, use_case = bundle_of(small_models[name]), BY_NAME[name]
    other = Unsupervised() if use_case.label else Supervised("label")
    with pytest.raises(BundleRefused, match=f"it learned {use_case.score.learned}, and .* has {other.score.declared}"):
        load_scorer(bundle, replace(use_case, learning=other))


def test_anomalies_without_ranks_are_refused_at_once(small_models: dict[str, SmallModel]) -> None:
    bundle = bundle_of(small_models["platform_activity"])
    unranked = bundle.manifest.model_copy(update={"ranks": None})
    with pytest.raises(BundleRefused):
        load_scorer(Bundle(bundle.version, unranked, bundle.model, bundle.reference), BY_NAME["platform_activity"])


def test_a_bundle_for_another_record_is_refused(small_models: dict[str, SmallModel]) -> None:
    with pytest.raises(BundleRefused, match="other features"):
        load_scorer(bundle_of(small_models["card_taps"]), BY_NAME["credit_accounts"])


class TestWarnings:
    features = (
        Feature(name="amount", kind=Kind.NUMBER, low=0.5, high=99.25),
        Feature(name="opened", kind=Kind.DATE, low=0, high=19_000),
        Feature(name="city", kind=Kind.CATEGORY, categories=("Oslo", "Rome")),
        Feature(name="limit", kind=Kind.NUMBER),
    )

    def scorer(self, credit_model: SmallModel, *features: Feature) -> Scorer:
        update: dict[str, object] = {"features": features or self.features}
        manifest: Manifest = credit_model.manifest.model_copy(update=update)
        return Scorer("1-0f5c2a9b", manifest, XGBOOST, LibraryModel(credit_model.booster))

    def test_name_the_field_and_the_range_of_training(self, credit_model: SmallModel) -> None:
        numbers = np.array([[0.5, 100, np.nan, 99.25], [0, 1, 19_000, 19_001], [0, 0, 0, 0], [-1e9, 0, np.nan, 1e9]])
        columns = Columns(np.arange(4), numbers, {"city": ["Rome", "Bern", None, "rome"]})
        unseen = Warned("city", "never seen in training, scored as missing")
        assert self.scorer(credit_model).warnings(columns) == {
            1: [Warned("amount", "outside the trained range, 0.5 to 99.25"), unseen],
            3: [Warned("opened", "outside the trained range, 1970-01-01 to 2022-01-08"), unseen],
        }

    def test_know_ranges_that_are_open_on_one_side(self, credit_model: SmallModel) -> None:
        scorer = self.scorer(credit_model, Feature(name="amount", kind=Kind.NUMBER, low=0))
        columns = Columns(np.array([1, 2]), np.array([[-1.0, 1e30]]))
        assert scorer.warnings(columns) == {0: [Warned("amount", "outside the trained range, 0 to inf")]}

    def test_are_none_for_no_records(self, credit_model: SmallModel) -> None:
        columns = Columns([], np.zeros((4, 0)), {"city": []})
        assert self.scorer(credit_model).warnings(columns) == {}


@pytest.mark.compiled
def test_only_what_is_compiled_here_is_quick_enough_for_the_event_loop(small_models: dict[str, SmallModel]) -> None:
    runtimes = {name: load_scorer(bundle_of(model), model.use_case).runtime for name, model in small_models.items()}
    assert {name for name, runtime in runtimes.items() if not runtime.is_quick} == {WIRE_TRANSFERS.name}
