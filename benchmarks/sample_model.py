"""The model and the records that the benchmarks use: credit accounts, 300 trees of depth 6, published as a bundle."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import xgboost
from numpy.typing import NDArray

from fraud_detection_api.model.bundle import Reference, bundle_files
from fraud_detection_api.model.manifest import MODEL, Feature, GateVerdict, Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS

TREES, DEPTH, TRAINING_ROWS, REFERENCE_ROWS = 300, 6, 100_000, 256
PARAMETERS: dict[str, str | int | float] = {"objective": "binary:logistic", "max_depth": DEPTH, "eta": 0.1, "seed": 7}
ONE_THREAD = {"nthread": 1}  # several spin for one another where a machine is busy: ten times slower
FEATURES = list(CREDIT_ACCOUNTS.feature_names)

Table = NDArray[np.float64]


@dataclass(frozen=True)
class SampleModel:
    """A trained booster and where it was published."""

    booster: xgboost.Booster
    registry: Path
    file: Path


def sample_model(folder: Path) -> SampleModel:
    """Train the model and make it the champion of a registry in this folder."""
    accounts = sample_accounts(TRAINING_ROWS, seed=1)
    data = xgboost.DMatrix(accounts.astype(np.float32), _frauds(accounts), feature_names=FEATURES)
    booster = xgboost.train({**PARAMETERS, **ONE_THREAD}, data, TREES)
    model = bytes(booster.save_raw("json"))
    rows = accounts[:REFERENCE_ROWS].astype(np.float32)
    files = bundle_files(_manifest(accounts), model, Reference(rows, booster.inplace_predict(rows)))
    registry = Registry(folder)
    version = registry.publish(CREDIT_ACCOUNTS.name, files)
    registry.promote(CREDIT_ACCOUNTS.name, version)
    return SampleModel(booster, folder, folder / CREDIT_ACCOUNTS.name / "versions" / version / MODEL)


def sample_accounts(rows: int, seed: int) -> Table:
    """Accounts in the shapes of the known table: open accounts, limit, balance, accounts in arrears."""
    random = np.random.default_rng(seed)
    open_accounts = random.integers(2, 20, rows)
    arrears = np.minimum(random.integers(1, 7, rows), open_accounts)
    limit, balance = random.uniform(500, 16_500, rows).round(2), random.uniform(585, 14_747, rows).round(2)
    return np.column_stack([open_accounts, limit, balance, arrears])


def body_of(accounts: Table) -> bytes:
    """A request body that holds these accounts, each with an identifier of its own."""
    records = [{"customer_id": 345_000 + row, **_record(values)} for row, values in enumerate(accounts.tolist())]
    return orjson.dumps(records)


def _record(values: list[float]) -> dict[str, float]:
    whole = {field.name for field in CREDIT_ACCOUNTS.features if field.kind == "integer"}
    return {name: int(value) if name in whole else value for name, value in zip(FEATURES, values, strict=True)}


def _frauds(accounts: Table) -> NDArray[np.bool_]:
    open_accounts, limit, balance, arrears = accounts.T
    margin = -2.4 + 0.5 * arrears - 0.15 * open_accounts + 0.8 * np.minimum(balance / limit, 3)
    drawn = np.random.default_rng(2).random(len(accounts))
    frauds: NDArray[np.bool_] = drawn < 1 / (1 + np.exp(-margin))
    return frauds


def _manifest(accounts: Table) -> Manifest:
    lows, highs = accounts.min(axis=0), accounts.max(axis=0)
    features = zip(CREDIT_ACCOUNTS.features, lows.tolist(), highs.tolist(), strict=True)
    return Manifest(
        use_case=CREDIT_ACCOUNTS.name,
        origin="trained",
        created_at=datetime.now(UTC),
        features=tuple(Feature(name=field.name, kind=field.kind, low=low, high=high) for field, low, high in features),
        parameters=PARAMETERS,
        threshold=0.5,
        gate=GateVerdict(passed=True),
        libraries={"xgboost": xgboost.__version__},
    )
