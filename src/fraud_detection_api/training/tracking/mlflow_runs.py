"""Runs in MLflow: a run for each fit and each trial, a model version for each version that was ever champion."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.exceptions import MlflowException

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.manifest import GateVerdict, Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.training.boosting import Parameters

CHAMPION, BUNDLE = "champion", "bundle"
VERSION, STUDY, TRIAL, PARENT = "version", "study", "trial", "mlflow.parentRunId"
SQLITE = "sqlite:///"


class MLflowRuns:
    """One use case in one MLflow: its experiment, its runs and its registered model."""

    def __init__(self, client: MlflowClient, experiment: str, registry: Registry, use_case: str) -> None:
        self._client, self._experiment = client, experiment
        self._registry, self._use_case = registry, use_case
        self._studies: dict[str, str] = {}

    def fitted(self, version: str) -> None:
        """Log the run of a version, unless it is there."""
        self._run_of(version)

    def promoted(self, version: str) -> None:
        """Register a version, unless it is, and call it champion."""
        number = self._model_version(self._run_of(version), version)
        self._client.set_registered_model_alias(self._use_case, CHAMPION, number)

    def tried(self, study: str, number: int, parameters: Parameters, measures: Mapping[str, float]) -> None:
        """Log a trial beneath its study, which counts as finished after each of them."""
        parent = self._study_run(study)
        tags = {PARENT: parent, TRIAL: str(number)}
        trial = self._client.create_run(self._experiment, run_name=f"trial {number}", tags=tags)
        with self._closing(trial):
            self._log(trial, parameters, measures)
        self._client.set_terminated(parent)

    def _run_of(self, version: str) -> Run:
        wanted = f"tags.{VERSION} = '{version}' and attributes.status = 'FINISHED'"
        runs = self._client.search_runs([self._experiment], wanted, max_results=1)
        return runs[0] if runs else self._logged(version)

    def _logged(self, version: str) -> Run:
        bundle = self._registry.bundle(self._use_case, version)
        manifest = bundle.manifest
        begun = int(manifest.created_at.timestamp() * 1000)
        run = self._client.create_run(self._experiment, begun, {VERSION: version, **_tags(manifest)}, version)
        decision: Parameters = {"threshold": manifest.threshold, "threshold_rule": manifest.threshold_rule}
        with self._closing(run):
            self._log(run, manifest.parameters | decision, dict(_figures(manifest)))
            self._client.log_artifacts(run.info.run_id, str(bundle.folder), BUNDLE)
        return run

    def _log(self, run: Run, parameters: Parameters, measures: Mapping[str, float]) -> None:
        metrics = [Metric(_key(name), value, run.info.start_time, 0) for name, value in measures.items()]
        texts = [Param(_key(name), str(value)) for name, value in parameters.items() if value != ""]
        self._client.log_batch(run.info.run_id, metrics=metrics, params=texts)

    @contextmanager
    def _closing(self, run: Run) -> Iterator[None]:
        try:
            yield
        except Exception:
            with suppress(Exception):  # it could not be reached a moment ago
                self._client.set_terminated(run.info.run_id, "FAILED")
            raise
        self._client.set_terminated(run.info.run_id)

    def _study_run(self, study: str) -> str:
        if study not in self._studies:
            known = self._client.search_runs([self._experiment], f"tags.{STUDY} = '{study}'", max_results=1)
            new = None if known else self._client.create_run(self._experiment, tags={STUDY: study}, run_name=study)
            self._studies[study] = (new or known[0]).info.run_id
        return self._studies[study]

    def _model_version(self, run: Run, version: str) -> str:
        for known in self._client.search_model_versions(f"run_id = '{run.info.run_id}'"):
            if known.name == self._use_case:
                return str(known.version)
        with _unless_it_exists():
            self._client.create_registered_model(self._use_case)
        source = f"{run.info.artifact_uri}/{BUNDLE}"
        made = self._client.create_model_version(self._use_case, source, run.info.run_id, {VERSION: version})
        return str(made.version)


def reached(uri: str, registry: Registry, use_case: str) -> MLflowRuns:
    """The runs of a use case, once MLflow has shown that it is there and takes them."""
    artifacts = None if uri.startswith(("http://", "https://")) else _beside(_writable(uri))
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    return MLflowRuns(client, _experiment(client, use_case, artifacts), registry, use_case)


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    if client.get_experiment_by_name(name) is None:
        with _unless_it_exists():
            client.create_experiment(name, artifacts)
    found = client.get_experiment_by_name(name)
    if found is None:
        raise LookupError(f"MLflow neither makes nor finds an experiment {name}")
    return found.experiment_id


def _writable(uri: str) -> Path:
    """The file of an embedded store; MLflow itself would try an unwritable one for minutes."""
    file = Path(uri.removeprefix(SQLITE).partition("?")[0])
    if not uri.startswith(SQLITE) or not file.name:
        raise DataRefused("FRAUD_TRACKING is understood as http://, https:// or sqlite:///")
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN IMMEDIATE")
    return file


def _beside(file: Path) -> str:
    return str(file.absolute().with_suffix(".artifacts"))


@contextmanager
def _unless_it_exists() -> Iterator[None]:
    """Somebody else may have made it a moment ago."""
    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _tags(manifest: Manifest) -> dict[str, str]:
    data = manifest.data
    known = {
        "origin": manifest.origin,
        "made_from": manifest.made_from,
        "data.fingerprint": data.fingerprint if data else None,
        "data.source": data.source if data else None,
        "gate": _outcome(manifest.gate),
        "gate.forced_because": manifest.gate.forced_because,
        **{f"library.{name}": version for name, version in manifest.libraries.items()},
    }
    return {_key(name): value for name, value in known.items() if value is not None}


def _outcome(gate: GateVerdict) -> str:
    if gate.passed:
        return "passed"
    return "forced" if gate.forced_because else "failed"


def _figures(manifest: Manifest) -> Iterator[tuple[str, float]]:
    for name, measure in manifest.metrics.items():
        yield name, measure.value
        if measure.low is not None and measure.high is not None:
            yield f"{name}_low", measure.low
            yield f"{name}_high", measure.high


def _key(name: str) -> str:
    """A name in the letters that MLflow takes."""
    return re.sub(r"[^\w\-./ ]", "_", name, flags=re.ASCII)
