"""Tracking: MLflow is told of fits, tuning trials and promotions; none of them ever fails for it, or waits long."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from fraud_detection_api.model.data_frames import without_data_frames
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.training.boosting import Parameters

if TYPE_CHECKING:
    from fraud_detection_api.training.tracking.mlflow_runs import MLflowRuns

EMBEDDED = "tracking.db"
SERVER_SECONDS = 10.0  # until a server has shown that it is there
MOST_SECONDS = 60.0  # for anything else; the first use of an embedded store makes its tables, which takes a while
QUICK = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
QUIET = {
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

Found = TypeVar("Found")


class Tracker:
    """MLflow is told, where there is an address, until that fails: then whoever listens is warned, once."""

    def __init__(self, uri: str | None, registry: Registry, use_case: str, warn: Callable[[str], None]) -> None:
        self._uri, self._registry, self._use_case, self._warn = uri, registry, use_case, warn
        self._runs: MLflowRuns | None = None
        self._has_failed = False

    def published(self, version: str, *, is_champion: bool) -> None:
        """Log a run with everything that the bundle holds; a champion is registered, too."""
        if is_champion:
            self.promoted(version)
        else:
            self._tell(lambda runs: runs.fitted(version), f"{version} is published all the same")

    def promoted(self, version: str) -> None:
        """Register the version and let the alias `champion` point at it."""
        self._tell(lambda runs: runs.promoted(version), f"{version} is published and champion all the same")

    def tried(self, study: str, number: int, parameters: Parameters, measures: Mapping[str, float]) -> None:
        """Log a run beneath that of the study."""
        self._tell(lambda runs: runs.tried(study, number, parameters, measures), "the tuning goes on all the same")

    def _tell(self, tell: Callable[["MLflowRuns"], None], all_the_same: str) -> None:
        if self._uri is None or self._has_failed:
            return
        try:
            self._runs = runs = self._runs or self._reached(self._uri)
            within(MOST_SECONDS, lambda: tell(runs))
        except Exception as error:  # noqa: BLE001 - whatever MLflow, a database, a network or a disk can raise
            self._has_failed = True
            self._warn(f"No tracking at {_shown(self._uri)}: {_why(error, self._uri)}; {all_the_same}.")

    def _reached(self, uri: str) -> "MLflowRuns":
        os.environ.update(QUIET | {name: os.environ.get(name, value) for name, value in QUICK.items()})
        with without_data_frames():  # as with xgboost, whose import decides what this process can do with them
            from fraud_detection_api.training.tracking.mlflow_runs import reached
        seconds = SERVER_SECONDS if uri.startswith("http") else MOST_SECONDS
        return within(seconds, lambda: reached(uri, self._registry, self._use_case))


def tracking_uri(track: bool | None, uri: str | None, models: Path) -> str | None:
    """Where to track: nowhere, where the setting says, or in a file beside the versions."""
    if track is False or not (track or uri):
        return None
    return uri or f"sqlite:///{models.absolute() / EMBEDDED}"


def within(seconds: float, call: Callable[[], Found]) -> Found:
    """What a call returns or raises; one that takes longer is left behind, in a thread that ends with the process."""
    found: list[Found] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            found.append(call())
        except Exception as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = Thread(target=run, name="tracking", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not found:
        raise TimeoutError(f"no answer within {seconds:g} seconds")
    return found[0]


def _why(error: BaseException, uri: str) -> str:
    while (deeper := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        error = deeper
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].replace(uri.rstrip("/"), _shown(uri.rstrip("/")))[:300].rstrip(".")


def _shown(uri: str) -> str:
    from fraud_detection_api.training.tables.training_table import without_password

    return without_password(uri)
