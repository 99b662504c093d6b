"""From training rows to a champion: through the same fit, proof, gate and report as everything."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.bundle import REPORT
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.pipeline.outputs import VERDICT
from fraud_detection_api.pipeline.step import Scalar
from fraud_detection_api.pipeline.steps.train import with_least
from fraud_detection_api.pipeline.steps.training_data import choice_of
from fraud_detection_api.pipeline.training_rows import loaded_rows
from fraud_detection_api.training.boosting import Boosting
from fraud_detection_api.training.fit_options import FitOptions
from fraud_detection_api.training.fitting import ReadyRows, fit_ready
from fraud_detection_api.training.tables.periods import STOPPING, TRAIN, VALIDATION
from fraud_detection_api.training.xgboost_trainer import XGBoostTrainer
from fraud_detection_api.use_cases.orders import ORDERS
from tests.pipeline.stepping import OWN, RIDES, do, raw_folder, rides
from tests.training.fitting import Listener

STEPS = ("partition", "features", "training_data", "train")
SAMPLE: dict[str, Scalar] = {
    "seed": 3, "files": 12, "orders_per_file": 1500, "customers": 200, "emails": 200, "addresses": 200,
    "partitions": 4, "rounds": 40, "threads": 1,
}  # fmt: skip


def verdict_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = orjson.loads((folder / "train" / VERDICT).read_bytes())
    return found


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    return do(folder, ("make_sample", *STEPS), SAMPLE | {"models": str(folder / "models")})


def test_sample_orders_become_a_champion_that_is_told_beside_the_best_possible(sample_run: Path) -> None:
    verdict = verdict_of(sample_run)
    assert verdict["passed"]
    bundle = Registry(sample_run / "models").bundle(ORDERS.name, "champion")
    assert bundle.version == verdict["version"]
    assert bundle.manifest.data is not None
    best = bundle.manifest.data.best_average_precision
    assert best is not None
    assert 0.3 < bundle.manifest.metrics["average_precision"].value < best < 1
    page = (bundle.attached(REPORT) or b"").decode()
    assert f"{best:.3f} is the best possible" in page
    assert "example.org" not in page


def test_a_model_below_what_a_run_asks_for_is_not_promoted(tmp_path: Path) -> None:
    models = {"models": str(tmp_path / "models")}
    asked = OWN | models | {"least_average_precision": 0.999}
    do(raw_folder(tmp_path, rides(3000, seed=6)), STEPS, asked)
    verdict = verdict_of(tmp_path)
    assert not verdict["passed"]
    assert not verdict["is_champion"]
    assert Registry(tmp_path / "models").versions(RIDES.name) == [verdict["version"]]


def test_a_run_may_ask_for_more_than_the_use_case_demands_and_not_for_less() -> None:
    demanded = [with_least(ORDERS, {"least_average_precision": least}).gate.at_least for least in (0.0, 0.1, 0.5)]
    assert [each["average_precision"] for each in demanded] == [0.3, 0.3, 0.5]


def test_models_that_know_no_weights_are_not_trained_on_some_of_the_rows(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, rides(3000, seed=8))
    do(folder, STEPS[:3], OWN | {"kept_non_frauds": 0.2})
    loaded = loaded_rows(folder / "training_data", RIDES, 0)
    choice = choice_of({"features": folder / "features"}, OWN)
    rows = ReadyRows(loaded.dataset, choice.periods.split(loaded.parts), "rides")
    with pytest.raises(DataRefused, match="forest cannot make up for that"):
        fit_ready(RIDES, rows, FitOptions(models=tmp_path / "models", model="forest"), Listener())


def test_the_same_rows_give_the_same_model(tmp_path: Path) -> None:
    models = []
    for name in ("one", "other"):
        folder = raw_folder(tmp_path / name, rides(3000, seed=6))
        do(folder, STEPS, OWN | {"models": str(folder / "models"), "kept_non_frauds": 0.5})
        models.append(Registry(folder / "models").bundle(RIDES.name, str(verdict_of(folder)["version"])).model)
    assert models[0] == models[1]


def test_thinned_rows_leave_probabilities_as_frequent_as_they_say(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, rides(12_000, seed=8))
    do(folder, STEPS[:3], OWN | {"kept_non_frauds": 0.2})
    rows = loaded_rows(folder / "training_data", RIDES, 0)
    training, stopping, validation = (np.flatnonzero(rows.parts == part) for part in (TRAIN, STOPPING, VALIDATION))
    means = []
    for dataset in (rows.dataset, replace(rows.dataset, weights=None)):
        trainer = XGBoostTrainer(Boosting(rounds=30), threads=1)
        model = trainer.train(RIDES, dataset, training, stopping, lambda _done, _loss: None)
        means.append(float(model.probabilities(dataset.columns.take(validation)).mean()))
    frauds = float(rows.dataset.labels[validation].mean())
    assert means[0] == pytest.approx(frauds, rel=0.1)
    assert means[1] > 1.5 * frauds  # so much would be wrong without the weights


def test_a_thinned_model_says_so(tmp_path: Path) -> None:
    folder = raw_folder(tmp_path, rides(3000, seed=8))
    do(folder, STEPS, OWN | {"models": str(folder / "models"), "kept_non_frauds": 0.2})
    bundle = Registry(folder / "models").bundle(RIDES.name, str(verdict_of(folder)["version"]))
    data = bundle.manifest.data
    assert data is not None
    assert "20 % of the training rows without fraud kept" in data.source
    assert data.share_before is not None
    before = data.rows - data.validation_rows
    assert data.share_before < 0.5 * (data.frauds - data.validation_frauds) / before
    assert "the share changes" not in (bundle.attached(REPORT) or b"").decode()


def test_few_rows_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataRefused):
        do(raw_folder(tmp_path, rides(60, seed=1)), STEPS, OWN | {"models": str(tmp_path / "models")})
