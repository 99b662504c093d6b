"""A kind of model from outside the package: one file, and its name in a use case."""

import json
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import orjson
import pytest

from fraud_detection_api.errors import BundleRefused, DataRefused
from fraud_detection_api.model.bundle import COMPARISON, REPORT, Bundle, bundle_files
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.training.fitting import fit
from tests.examples import body_of, good_rows
from tests.running_service import running_service
from tests.scorecards import NAME, SCORED_CLAIMS, Scorecard
from tests.training.claims import CLAIMS, claims_table
from tests.training.fitting import QUICK, Listener, fitted, table_file

ONE_THREAD = replace(QUICK, rounds=None, depth=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry, in which a scorecard leads."""
    folder = tmp_path_factory.mktemp("scorecards")
    fitted(table_file(folder, claims_table(2500)), folder / "models", ONE_THREAD, SCORED_CLAIMS)
    return folder


def bundle_in(folder: Path) -> Bundle:
    return Registry(folder / "models").bundle(SCORED_CLAIMS.name, "1")


def test_its_bundle_names_it_and_its_report_calls_it_by_its_words(folder: Path) -> None:
    bundle = bundle_in(folder)
    assert (bundle.manifest.model_kind, bundle.manifest.model_file) == (NAME, "model.weights")
    assert bundle.manifest.metrics["roc_auc"].value > 0.6
    page = (bundle.attached(REPORT) or b"").decode()
    assert "\u00b7 Scorecard \u00b7" in page
    assert "Mean |SHAP| in log-odds" in page


def test_a_service_finds_it_through_the_use_case_and_gives_its_reasons(folder: Path) -> None:
    Registry(folder / "models").promote(SCORED_CLAIMS.name, "1")
    settings = {"use_cases": "tests.scorecards:SCORED_CLAIMS"}
    with running_service(folder, settings) as service, service.client() as client:
        found = scored(client, "?reasons=2&reasons_for=all")
        assert [len(each["reasons"]) for each in found] == [2, 2, 2]


def scored(client: httpx.Client, query: str) -> list[dict[str, list[object]]]:
    """The answer for three claims."""
    body = body_of(good_rows(SCORED_CLAIMS, 3))
    answer = client.post(
        f"/score/{SCORED_CLAIMS.name}{query}", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, list[object]]] = answer.json()
    return found


def test_it_is_proved_at_load(folder: Path) -> None:
    bundle = bundle_in(folder)
    assert isinstance(load_scorer(bundle, SCORED_CLAIMS).runtime, Scorecard)
    other = orjson.loads(bundle.model)
    other["bias"] += 1
    with pytest.raises(BundleRefused, match="its weights were changed"):
        load_scorer(replace(bundle, model=orjson.dumps(other)), SCORED_CLAIMS)


def test_no_bundle_can_make_a_service_import_what_its_use_case_does_not_name(tmp_path: Path, folder: Path) -> None:
    bundle = bundle_in(folder)
    for name in ("antigravity:fly", NAME):
        manifest = bundle.manifest.model_copy(update={"model_kind": name, "use_case": CLAIMS.name})
        version = Registry(tmp_path).publish(CLAIMS.name, bundle_files(manifest, bundle.model, bundle.reference))
        with pytest.raises(BundleRefused, match=f"of a kind that is not known here: {name}"):
            load_scorer(Registry(tmp_path).bundle(CLAIMS.name, version), CLAIMS)


def test_training_it_where_the_use_case_does_not_name_it_is_refused_at_once() -> None:
    with pytest.raises(DataRefused, match=f"{NAME} is a kind of model: name it in the models of its use case"):
        fit(CLAIMS, replace(ONE_THREAD, data="nowhere.csv", model=NAME), Listener())


def test_it_is_compared_with_others_by_the_same_lines(tmp_path: Path) -> None:
    learning = Supervised(label="is_fraud", time_column="claimed_on", models=(NAME, "tree"))
    use_case = replace(SCORED_CLAIMS, learning=learning)
    found = fitted(table_file(tmp_path, claims_table(2500)), tmp_path / "models", ONE_THREAD, use_case)
    kept = Registry(tmp_path / "models").bundle(use_case.name, found.version).attached(COMPARISON) or b""
    precision = {
        each["kind"]: np.mean([fold["average_precision"] for fold in each["folds"]])
        for each in json.loads(kept)["models"]
    }
    assert set(precision) == {NAME, "tree"}
    assert min(precision.values()) > 0.1
