"""Broken trees under the right digests: refused with what is wrong wherever they are loaded, and nobody dies of it."""

from pathlib import Path

import orjson
import psutil
import pytest
import xgboost

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import Bundle, Reference
from fraud_detection_api.model.forest import IS_BUILT
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.sandbox import why_unusable
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.model.xgboost_library import LibraryModel
from fraud_detection_api.training.bundling.publishing import promoted
from tests.declared_use_cases import DECLARED_HERE, LOAN_APPLICATIONS
from tests.examples import body_of, good_rows
from tests.model.broken_trees import DAMAGES, OF_CATEGORIES, broken_bundle
from tests.running_service import eventually, running_service
from tests.small_models import SmallModel, bundle_of
from tests.small_models import promoted as published_and_promoted

NAME = LOAN_APPLICATIONS.name
EVERY = {**DAMAGES, **OF_CATEGORIES}
REASONS = (
    "a child outside its tree",
    "siblings that do not lie side by side",
    "a tree that runs in circles",
    "too deep a tree",
    "a split on no feature of the model",
    "a tree with arrays of different lengths",
    "categories",
)


@pytest.fixture(scope="module")
def loans(small_models: dict[str, SmallModel]) -> SmallModel:
    """A model with categories."""
    return small_models[NAME]


@pytest.mark.parametrize("damage", EVERY)
def test_every_kind_of_damage_is_refused_with_what_is_wrong(loans: SmallModel, damage: str) -> None:
    with pytest.raises(BundleRefused, match="its model cannot be used: ") as found:
        load_scorer(bundle_of(broken_bundle(loans, EVERY[damage])), LOAN_APPLICATIONS)
    message = found.value.message
    told = REASONS if IS_BUILT else (*REASONS, "XGBoost crashes on it", "XGBoost cannot read it")
    assert any(reason in message for reason in told), message
    assert "\n" not in message
    assert "/" not in message, "no paths of this machine"
    assert len(message) < 300


def test_nobody_promotes_them(tmp_path: Path, loans: SmallModel) -> None:
    registry = Registry(tmp_path / "models")
    good = published_and_promoted(registry, loans)
    bad = registry.publish(NAME, broken_bundle(loans, DAMAGES["a circle"]).files)
    with pytest.raises(BundleRefused, match="runs in circles"):
        promoted(registry, LOAN_APPLICATIONS, bad)
    assert registry.aliases(NAME).champion == good


def test_a_service_lives_on_scores_with_the_model_before_and_says_why(tmp_path: Path, loans: SmallModel) -> None:
    registry, body = Registry(tmp_path / "models"), body_of(good_rows(LOAN_APPLICATIONS, 3))
    good = published_and_promoted(registry, loans)
    settings = {"use_cases": DECLARED_HERE, "reload_seconds": 0.05}
    with running_service(tmp_path, settings) as service, service.client() as client:
        for damage in ("a child far away", "a split on itself", "a segment out of range"):
            published_and_promoted(registry, broken_bundle(loans, EVERY[damage]))
            eventually(lambda: "cannot be used" in str(problem(client.get("/ready").json())))
            answer = client.post(f"/score/{NAME}", content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.headers["X-Model-Version"]) == (200, good)
            registry.rollback(NAME)
            eventually(lambda: problem(client.get("/ready").json()) is None)
        assert service.process.poll() is None


def test_a_service_that_starts_with_one_lives_and_says_why(tmp_path: Path, loans: SmallModel) -> None:
    published_and_promoted(Registry(tmp_path / "models"), broken_bundle(loans, DAMAGES["a split on itself"]))
    with running_service(tmp_path, {"use_cases": DECLARED_HERE}) as service, service.client() as client:
        assert "runs in circles" in str(problem(client.get("/ready").json()))


def problem(ready: dict[str, list[dict[str, object]]]) -> object:
    """What `/ready` says of the loans' model."""
    return next(model["problem"] for model in ready["models"] if model["use_case"] == NAME)


def test_a_sound_model_that_the_forest_declines_is_served_by_the_library(credit_model: SmallModel) -> None:
    bundle, booster = bundle_of(credit_model), dart(credit_model)
    saved = bytes(booster.save_raw("json"))
    reference = Reference(bundle.reference.matrix, LibraryModel(booster).probabilities(bundle.reference.matrix))
    declined = Bundle(bundle.version, bundle.manifest, saved, reference)
    assert isinstance(load_scorer(declined, credit_model.use_case).runtime, LibraryModel)


def dart(model: SmallModel) -> xgboost.Booster:
    """Trees with dropout, which the compiled forest does not walk."""
    matrix = model.matrix(model.training_rows)
    data = xgboost.DMatrix(matrix, matrix[:, 0] > matrix[:, 0].mean())
    return xgboost.train({"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5}, data, 5)


def test_a_trial_ends_in_time_and_leaves_no_process_behind(credit_model: SmallModel) -> None:
    assert why_unusable(bundle_of(credit_model).model, seconds=0.05) == "XGBoost does not return within 0.05 seconds"
    assert not [child for child in psutil.Process().children() if "model.sandbox" in " ".join(child.cmdline())]


def test_a_model_that_asks_for_more_memory_than_its_size_may_is_refused(credit_model: SmallModel) -> None:
    document = orjson.loads(bundle_of(credit_model).model)
    document["learner"]["learner_model_param"]["num_feature"] = "2000000000"
    assert why_unusable(orjson.dumps(document)) == "it takes more memory than a model of its size may"
