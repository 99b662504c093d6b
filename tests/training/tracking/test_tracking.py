"""Tracking: what MLflow is told, and that a fit neither fails for it nor waits long."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from typer.testing import CliRunner, Result

from fraud_detection_api.cli.main import app
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.training.tracking.tracker import (
    EMBEDDED,
    Tracker,
    tracking_uri,
    within,
)
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from tests.running_service import PROJECT
from tests.small_models import SmallModel
from tests.training.fitting import accounts_file, fitted, run_fitter

pytestmark = pytest.mark.filterwarnings("ignore")  # what MLflow does with SQLAlchemy is not ours to fix

NAME = CREDIT_ACCOUNTS.name
A_FEW_SECONDS = 15.0  # for a timeout of 5 and a machine that has other things to do
QUICK_FIT = ("--rounds", "20", "--depth", "3", "--threads", "1")
TRAIN = """
import sys
from fraud_detection_api.cli.main import app
app(["train", *sys.argv[1:]], standalone_mode=False)
print("mlflow" in sys.modules)
"""


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store with its tables, which take seconds to make, and nothing in them."""
    file = tmp_path_factory.mktemp("store") / EMBEDDED
    MlflowClient(f"sqlite:///{file}", f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return accounts_file(tmp_path_factory.mktemp("data"))


@pytest.fixture
def models(empty_store: Path, tmp_path: Path) -> Path:
    """The folder of a registry with an embedded store, in a path that has a blank."""
    folder = tmp_path / "my models"
    folder.mkdir()
    shutil.copy(empty_store, folder / EMBEDDED)
    return folder


def store(models: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{models / EMBEDDED}", f"sqlite:///{models / EMBEDDED}")


def runs(models: Path) -> list[Run]:
    """Every run of the use case, oldest first."""
    client = store(models)
    experiment = client.get_experiment_by_name(NAME)
    return list(client.search_runs([experiment.experiment_id], order_by=["created"])) if experiment else []


def tracker(models: Path, warned: list[str], uri: str | None = None) -> Tracker:
    return Tracker(uri or tracking_uri(True, None, models), Registry(models), NAME, warned.append)


def cli(*arguments: str, uri: str = "") -> Result:
    return CliRunner().invoke(app, arguments, env={"FRAUD_TRACKING": uri})


def test_a_fit_is_a_run_with_all_that_its_bundle_holds(data: Path, models: Path) -> None:
    warned: list[str] = []
    made = fitted(data, models)
    tracker(models, warned).published(made.version, is_champion=False)
    assert warned == []
    (run,) = runs(models)
    manifest = Registry(models).bundle(NAME, made.version).manifest
    assert (run.info.run_name, run.info.status) == (made.version, "FINISHED")
    assert run.info.start_time == int(manifest.created_at.timestamp() * 1000)
    assert {name: run.data.params[name] for name in manifest.parameters} == {
        name: str(value) for name, value in manifest.parameters.items()
    }
    assert run.data.params["threshold"] == str(manifest.threshold)
    for name, measure in manifest.metrics.items():
        assert run.data.metrics[name] == pytest.approx(measure.value)
        assert run.data.metrics.get(f"{name}_low") == (None if measure.low is None else pytest.approx(measure.low))
        assert run.data.metrics.get(f"{name}_high") == (None if measure.high is None else pytest.approx(measure.high))
    assert manifest.data is not None
    assert run.data.tags["data.fingerprint"] == manifest.data.fingerprint
    assert run.data.tags["data.source"] == manifest.data.source
    assert run.data.tags["library.xgboost"] == manifest.libraries["xgboost"]
    assert (run.data.tags["version"], run.data.tags["gate"]) == (made.version, "passed")


def test_the_whole_bundle_is_kept_byte_for_byte(models: Path, credit_model: SmallModel) -> None:
    version = Registry(models).publish(NAME, {**credit_model.files})
    tracker(models, []).published(version, is_champion=False)
    (run,) = runs(models)
    kept = Path(store(models).download_artifacts(run.info.run_id, "bundle"))
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == credit_model.files


def test_the_champion_is_registered_once_and_its_alias_moves(
    models: Path, credit_model: SmallModel, other_credit_model: SmallModel
) -> None:
    registry, warned = Registry(models), list[str]()
    one, two = (registry.publish(NAME, model.files) for model in (credit_model, other_credit_model))
    for version in (one, two, two, one):
        tracker(models, warned).promoted(version)
        pointed_at = store(models).get_model_version_by_alias(NAME, "champion")
        assert pointed_at.tags["version"] == version
    assert warned == []
    kept = store(models).search_model_versions(f"name = '{NAME}'")
    assert sorted(each.tags["version"] for each in kept) == sorted([one, two])
    assert {each.run_id for each in kept} == {run.info.run_id for run in runs(models)}
    assert len(runs(models)) == 2


def test_trials_are_runs_beneath_their_study_even_when_it_goes_on_later(models: Path) -> None:
    warned: list[str] = []
    for number, depth in enumerate((4, 6)):
        tracker(models, warned).tried("the study", number, {"max_depth": depth}, {"average_precision": depth / 10})
    assert warned == []
    study, *trials = runs(models)
    assert (study.info.run_name, study.info.status) == ("the study", "FINISHED")
    assert [trial.data.tags["mlflow.parentRunId"] for trial in trials] == [study.info.run_id] * 2
    assert [trial.data.params["max_depth"] for trial in trials] == ["4", "6"]
    assert [trial.data.metrics["average_precision"] for trial in trials] == [0.4, 0.6]
    assert {trial.info.status for trial in trials} == {"FINISHED"}


def test_a_run_whose_bundle_could_not_be_kept_does_not_count(models: Path, credit_model: SmallModel) -> None:
    version, warned = Registry(models).publish(NAME, credit_model.files), list[str]()
    in_the_way = models / "tracking.artifacts"
    in_the_way.touch()
    tracker(models, warned).promoted(version)
    assert [run.info.status for run in runs(models)] == ["FAILED"]
    assert len(warned) == 1
    in_the_way.unlink()
    tracker(models, warned).promoted(version)
    assert sorted(run.info.status for run in runs(models)) == ["FAILED", "FINISHED"]
    assert len(warned) == 1


@contextmanager
def closed_port(_: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"http://risk:s3cret@127.0.0.1:{port}"


@contextmanager
def silent_port(_: Path) -> Iterator[str]:
    """The system accepts every connection, and nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://risk:s3cret@127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def unwritable_folder(folder: Path) -> Iterator[str]:
    (folder / "file").touch()
    yield f"sqlite:///{folder / 'file' / EMBEDDED}"


@contextmanager
def no_database(folder: Path) -> Iterator[str]:
    (folder / EMBEDDED).write_text("this is no database " * 100)
    yield f"sqlite:///{folder / EMBEDDED}"


@contextmanager
def wrong_address(_: Path) -> Iterator[str]:
    yield "htp://risk:s3cret@mlflow:5000"


UNREACHABLE = [closed_port, silent_port, unwritable_folder, no_database, wrong_address]


@pytest.mark.parametrize("place", UNREACHABLE)
def test_what_cannot_be_reached_is_said_once_and_soon(
    place: Callable[[Path], AbstractContextManager[str]], tmp_path: Path, credit_model: SmallModel
) -> None:
    version, warned = Registry(tmp_path / "models").publish(NAME, credit_model.files), list[str]()
    with place(tmp_path) as uri:
        told = tracker(tmp_path / "models", warned, uri)
        begun = time.monotonic()
        told.published(version, is_champion=False)
        told.promoted(version)
        told.tried("study", 1, {}, {})
    assert time.monotonic() - begun < A_FEW_SECONDS
    (warning,) = warned
    assert warning.startswith(f"No tracking at {uri.replace('s3cret', '***')}: ")
    assert warning.endswith(f"; {version} is published all the same.")
    assert "s3cret" not in warning


def test_a_fit_ends_as_ever_where_nobody_answers(data: Path, tmp_path: Path) -> None:
    with silent_port(tmp_path) as uri:
        done = run_fitter("--data", str(data), *QUICK_FIT, "--tracking", uri, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("No tracking at") == 1
    assert "is champion now" in done.stdout
    assert Registry(tmp_path / "models").aliases(NAME).champion


def test_promoting_ends_as_ever_where_nobody_listens(tmp_path: Path, credit_model: SmallModel) -> None:
    version = Registry(tmp_path).publish(NAME, credit_model.files)
    with closed_port(tmp_path) as uri:
        result = cli("models", "promote", NAME, version, "--models", str(tmp_path), uri=uri)
    assert result.exit_code == 0
    assert result.stderr.count("No tracking at") == 1
    assert Registry(tmp_path).aliases(NAME).champion == version


def test_commands_track_and_say_nothing_of_it(data: Path, models: Path) -> None:
    train = ("--data", str(data), *QUICK_FIT, "--track", "--model_path_to_save", str(models))
    done = run_fitter(*train, "--force", "a drill", folder=models)
    assert done.returncode == 0, done.stderr
    assert all(" INFO " in line for line in done.stderr.splitlines()), done.stderr
    assert "run" not in done.stdout
    again = cli("train", NAME, *train[:-2], "--models", str(models), "--force", "a drill")
    assert again.exit_code == 0, again.output
    one, two = Registry(models).versions(NAME)
    assert store(models).get_model_version_by_alias(NAME, "champion").tags["version"] == two
    assert cli("models", "rollback", NAME, "--track", "--models", str(models)).output.splitlines() == [
        f"{NAME} {one} is champion again"
    ]
    assert store(models).get_model_version_by_alias(NAME, "champion").tags["version"] == one
    cli("models", "promote", NAME, two, "--models", str(models), uri=f"sqlite:///{models / EMBEDDED}")
    assert store(models).get_model_version_by_alias(NAME, "champion").tags["version"] == two
    assert [run.info.run_name for run in runs(models)] == [one, two]


def test_fraud_tune_shows_its_trials(data: Path, models: Path) -> None:
    two = ("--trials", "2", "--folds", "2", "--rounds", "10", "--depth", "3", "--threads", "1")
    done = cli("tune", NAME, "--data", str(data), *two, "--models", str(models), "--track")
    assert done.exit_code == 0, done.output
    study, *trials = runs(models)
    assert [trial.data.tags["mlflow.parentRunId"] for trial in trials] == [study.info.run_id] * 2
    assert str(study.info.run_name).startswith("average_precision-2-folds")
    assert all(trial.data.params["max_depth"] and trial.data.metrics for trial in trials)


def test_fraud_train_does_not_import_mlflow_where_nothing_is_tracked(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRAIN, NAME, "--data", str(data), *QUICK_FIT, "--models", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_where_to_track(tmp_path: Path) -> None:
    beside = f"sqlite:///{tmp_path / 'tracking.db'}"
    assert tracking_uri(True, None, tmp_path) == beside
    assert tracking_uri(None, "http://mlflow:5000", tmp_path) == "http://mlflow:5000"
    assert tracking_uri(True, "http://mlflow:5000", tmp_path) == "http://mlflow:5000"
    for track, uri in ((None, None), (None, ""), (False, None), (False, "http://mlflow:5000")):
        assert tracking_uri(track, uri, tmp_path) is None


def test_without_an_address_nobody_is_told(tmp_path: Path, credit_model: SmallModel) -> None:
    version = Registry(tmp_path).publish(NAME, credit_model.files)
    told = Tracker(None, Registry(tmp_path), NAME, pytest.fail)
    for is_champion in (False, True):
        told.published(version, is_champion=is_champion)
    told.promoted(version)
    told.tried("study", 1, {}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME]


def test_a_call_that_hangs_is_left_behind() -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.2 seconds"):
        within(0.2, lambda: time.sleep(20))
    assert time.monotonic() - begun < 5
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
