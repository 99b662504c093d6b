"""Models trained elsewhere: real files of XGBoost 2.x, whatever the order of their features, keep their bits."""

from pathlib import Path

import numpy as np
import orjson
import pytest
import xgboost
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.training.bundling.importing import FIRST_MODEL, import_model
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.model.broken_trees import DAMAGES, broken_model
from tests.training.claims import CLAIMS

FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES = sorted(each.name for each in FIXTURES.iterdir() if each.suffix in (".json", ".ubj"))
NAMES = CREDIT_ACCOUNTS.feature_names


def small_booster(names: list[str] | None, **parameters: str | int) -> xgboost.Booster:
    random = np.random.default_rng(0)
    matrix = random.random((300, len(names) if names else 4)).astype(np.float32)
    labels = random.random(300) < matrix[:, 0]
    data = xgboost.DMatrix(matrix, labels, feature_names=names)
    return xgboost.train({"objective": "binary:logistic", "max_depth": 3, **parameters}, data, 5)


def saved(booster: xgboost.Booster, folder: Path, name: str = "model.json") -> Path:
    booster.save_model(folder / name)
    return folder / name


def refusal(file: Path, models: Path) -> str:
    with pytest.raises(DataRefused) as found:
        import_model(Registry(models), CREDIT_ACCOUNTS, file)
    assert not models.exists()
    return found.value.message


def in_record_order(file: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """What was asked of XGBoost 2.x, feature by feature, and what it answered."""
    asked = np.load(FIXTURES / f"{Path(file).stem}.npy")
    booster = xgboost.Booster(model_file=FIXTURES / file)
    order = [(booster.feature_names or []).index(name) for name in NAMES]
    return asked[:, order].T.astype(np.float64), asked[:, -1]


def test_the_fixtures_hold_json_and_ubj_of_both_versions_in_both_orders() -> None:
    assert FILES == [
        "in_order_2_0.json",
        "in_order_2_1.json",
        "other_order_2_0.json",
        "other_order_2_0.ubj",
        "other_order_2_1.json",
        "other_order_2_1.ubj",
    ]


@pytest.mark.parametrize("file", FILES)
def test_the_bundle_gives_the_probabilities_of_xgboost_2_to_the_bit(file: str, tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    imported = import_model(registry, CREDIT_ACCOUNTS, FIXTURES / file)
    scorer = load_scorer(registry.bundle(CREDIT_ACCOUNTS.name, imported.version), CREDIT_ACCOUNTS)
    numbers, answers = in_record_order(file)
    got = scorer.scores(Columns(np.arange(numbers.shape[1]), numbers)).values
    assert got.tobytes() == answers.tobytes()
    assert scorer.manifest.origin == "imported"
    assert [feature.name for feature in scorer.manifest.features] == list(NAMES)


def test_the_first_import_leads_the_next_only_with_a_reason(tmp_path: Path) -> None:
    registry, file = Registry(tmp_path), FIXTURES / FILES[0]
    first = import_model(registry, CREDIT_ACCOUNTS, file, threshold=0.3)
    second = import_model(registry, CREDIT_ACCOUNTS, file)
    assert (first.is_champion, second.is_champion) == (True, False)
    assert registry.aliases(CREDIT_ACCOUNTS.name).champion == first.version
    third = import_model(registry, CREDIT_ACCOUNTS, file, promote="the board wants it")
    manifests = [registry.bundle(CREDIT_ACCOUNTS.name, each.version).manifest for each in (first, second, third)]
    assert [each.gate.forced_because for each in manifests] == [FIRST_MODEL, None, "the board wants it"]
    assert [each.threshold for each in manifests] == [0.3, 0.5, 0.5]
    assert not any(each.gate.passed for each in manifests)
    assert registry.aliases(CREDIT_ACCOUNTS.name).champion == third.version


def test_a_file_with_other_features_is_refused_with_their_names(tmp_path: Path) -> None:
    file = saved(small_booster(["age", "total_balance", "postcode", "number_of_open_accounts"]), tmp_path)
    message = refusal(file, tmp_path / "models")
    assert "was trained on age, total_balance, postcode, number_of_open_accounts" in message
    assert f"credit_accounts has {', '.join(NAMES)}" in message


def test_a_file_with_a_feature_too_many_is_refused(tmp_path: Path) -> None:
    assert "was trained on" in refusal(saved(small_booster([*NAMES, "age"]), tmp_path), tmp_path / "models")


def test_a_file_without_names_is_refused_with_the_names_to_set(tmp_path: Path) -> None:
    message = refusal(saved(small_booster(None), tmp_path), tmp_path / "models")
    assert f"names no features: set booster.feature_names there, to {', '.join(NAMES)}" in message


@pytest.mark.parametrize("parameters", [{"objective": "reg:squarederror"}, {"booster": "dart"}])
def test_other_objectives_and_boosters_are_refused(tmp_path: Path, parameters: dict[str, str]) -> None:
    message = refusal(saved(small_booster(list(NAMES), **parameters), tmp_path), tmp_path / "models")
    assert "only gbtree with binary:logistic" in message
    assert all(each in message for each in parameters.values())


def test_a_use_case_with_text_categories_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"claims has text categories.*`fraud train claims`"):
        import_model(Registry(tmp_path), CLAIMS, FIXTURES / FILES[0])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / "none.json", tmp_path / "models")


@pytest.mark.parametrize("name", ["in_order_2_1.json", "other_order_2_1.ubj"])
@pytest.mark.parametrize("size", [0, 9000])
def test_half_a_file_is_refused(tmp_path: Path, name: str, size: int) -> None:
    file = tmp_path / name
    file.write_bytes((FIXTURES / name).read_bytes()[:size])
    assert "it is not whole" in refusal(file, tmp_path / "models")


def test_json_that_is_no_model_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text('{"learner": {}}')
    message = refusal(file, tmp_path / "models")
    assert f"is not a model that XGBoost {xgboost.__version__} can read" in message
    assert "\n" not in message


def tree_changed(folder: Path, part: str, value: int) -> Path:
    document = orjson.loads((FIXTURES / "in_order_2_1.json").read_bytes())
    document["learner"]["gradient_booster"]["model"]["trees"][0][part][0] = value
    file = folder / "model.json"
    file.write_bytes(orjson.dumps(document))
    return file


def test_a_file_on_which_the_library_crashes_is_refused_and_we_live_on(tmp_path: Path) -> None:
    message = refusal(tree_changed(tmp_path, "left_children", 9999), tmp_path / "models")
    assert "a child outside its tree" in message


@pytest.mark.parametrize("damage", ["a circle", "a feature that there is not"])
def test_a_file_whose_last_split_is_broken_is_refused_though_few_rows_come_to_it(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "model.json"
    file.write_bytes(broken_model((FIXTURES / "in_order_2_1.json").read_bytes(), DAMAGES[damage]))
    message = refusal(file, tmp_path / "models")
    assert "runs in circles" in message or "no feature of the model" in message


def test_trees_that_split_on_unknown_features_are_refused(tmp_path: Path) -> None:
    message = refusal(tree_changed(tmp_path, "split_indices", 77), tmp_path / "models")
    assert "a split on no feature of the model" in message


def test_a_model_with_rounds_beyond_its_best_keeps_them_all_and_says_so(tmp_path: Path) -> None:
    booster = small_booster(list(NAMES))
    booster.set_attr(best_iteration="2")
    registry = Registry(tmp_path / "models")
    imported = import_model(registry, CREDIT_ACCOUNTS, saved(booster, tmp_path))
    assert "round 3 of 5 was best" in imported.remarks[0]
    scorer = load_scorer(registry.bundle(CREDIT_ACCOUNTS.name, imported.version), CREDIT_ACCOUNTS)
    rows = np.random.default_rng(1).random((4, 50))
    expected = booster.inplace_predict(rows.T.astype(np.float32))
    assert scorer.scores(Columns(np.arange(50), rows)).values.tobytes() == expected.tobytes()


def test_a_model_without_a_single_split_can_be_imported(tmp_path: Path) -> None:
    booster = small_booster(list(NAMES), max_depth=1, gamma=10**6)
    registry = Registry(tmp_path / "models")
    assert import_model(registry, CREDIT_ACCOUNTS, saved(booster, tmp_path, "model.ubj")).is_champion
