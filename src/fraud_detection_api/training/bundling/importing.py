"""Importing: a model that was trained elsewhere becomes a bundle which gives the same probabilities, to the bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.matrix import Matrix
from fraud_detection_api.model.bundle import Reference, digest
from fraud_detection_api.model.manifest import Feature, GateCheck, GateVerdict, Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.sandbox import why_unusable
from fraud_detection_api.model.xgboost_library import LibraryModel
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.bundling.publishing import library_versions, promoted, published
from fraud_detection_api.training.bundling.reference_rows import SplitEdges, reference_rows, rows_on_splits
from fraud_detection_api.training.proof.threshold import fixed
from fraud_detection_api.training.report.making import report_files
from fraud_detection_api.training.saved_model import SavedModel, parsed, reordered, thresholds, trees_of
from fraud_detection_api.training.tables.dataset import refuse_unlabelled
from fraud_detection_api.training.xgboost_trainer import VERSION, Booster, loaded

COMPARED_ROWS = 4096
FIRST_MODEL = "imported while there was no champion"


@dataclass(frozen=True)
class Imported:
    """The version that a file became, whether it is champion now, and what its owner should know."""

    version: str
    is_champion: bool
    remarks: tuple[str, ...] = ()


def import_model(
    registry: Registry, use_case: UseCase, file: Path, threshold: float = 0.5, promote: str | None = None
) -> Imported:
    """Publish a native XGBoost file; it becomes champion for the reason given, or where there is no champion.

    No data judges it, so its gate is never passed: whoever promotes it says why, and the manifest keeps the reason.
    """
    refuse_unlabelled(use_case)
    content = _read_native(file)
    original = loaded(content)
    saved = parsed(bytes(original.save_raw("json")))
    _refuse_other_models(saved, use_case, file)
    _refuse_broken(saved, original, file)
    places = [saved["learner"]["feature_names"].index(name) for name in use_case.feature_names]
    remarks = _remarks(saved, original)
    model = reordered(saved, use_case.feature_names)
    edges = SplitEdges(thresholds(trees_of(parsed(model))), _categorical(saved))
    _prove_same_bits(original, model, places, edges, file)
    reason = promote or (None if registry.aliases(use_case.name).champion else FIRST_MODEL)
    manifest = _manifest(use_case, threshold, reason, {"file": file.name, "file_sha256": digest(content)})
    rows = reference_rows(_made_up(edges, len(places), seed=1), edges, seed=2)
    reference = Reference(rows, LibraryModel.read(model).probabilities(rows))
    version = published(registry, manifest, model, reference, report_files(use_case, manifest, None, None))
    if reason:
        promoted(registry, use_case, version)
    return Imported(version, bool(reason), remarks)


def _refuse_other_models(saved: SavedModel, use_case: UseCase, file: Path) -> None:
    learner, wanted = saved["learner"], set(use_case.feature_names)
    if any(field.kind is Kind.CATEGORY for field in use_case.features):
        raise DataRefused(
            f"{use_case.name} has text categories, and {file} does not say which text its codes stand for: "
            f"train here instead, with `fraud train {use_case.name}`."
        )
    names = learner["feature_names"]
    if not names:
        raise DataRefused(
            f"{file} names no features: set booster.feature_names there, to {', '.join(use_case.feature_names)} "
            "in the order of its training columns, and save it again."
        )
    if set(names) != wanted or len(names) != len(wanted):
        raise DataRefused(
            f"{file} was trained on {', '.join(names)}; {use_case.name} has {', '.join(use_case.feature_names)}."
        )
    if learner["objective"]["name"] != "binary:logistic" or learner["gradient_booster"]["name"] != "gbtree":
        raise DataRefused(
            f"{file} is {learner['gradient_booster']['name']} with objective {learner['objective']['name']}: "
            "only gbtree with binary:logistic gives a fraud probability here."
        )


def _refuse_broken(saved: SavedModel, booster: Booster, file: Path) -> None:
    features = len(saved["learner"]["feature_names"])
    trees = trees_of(saved)
    most_used = max(max(tree["split_indices"], default=0) for tree in trees) if trees else 0
    if booster.num_features() != features or most_used >= features:
        raise DataRefused(f"{file} is broken: its trees know of more features than the {features} it names.")


def _categorical(saved: SavedModel) -> tuple[int, ...]:
    return tuple(place for place, kind in enumerate(saved["learner"]["feature_types"]) if kind == "c")


def _remarks(saved: SavedModel, booster: Booster) -> tuple[str, ...]:
    best, rounds = saved["learner"]["attributes"].get("best_iteration"), booster.num_boosted_rounds()
    if best is None or int(best) + 1 == rounds:
        return ()
    remark = (
        f"The file says that round {int(best) + 1} of {rounds} was best, but the library's Booster predicts with all "
        f"of them, and so does the bundle; save booster[: {int(best) + 1}] and import that if you want the best round."
    )
    return (remark,)


def _prove_same_bits(original: Booster, model: bytes, places: Sequence[int], edges: SplitEdges, file: Path) -> None:
    rows = _made_up(edges, len(places), seed=3)
    theirs = np.empty_like(rows)
    theirs[:, places] = rows
    expected, got = original.inplace_predict(theirs), loaded(model).inplace_predict(rows)
    if expected.tobytes() != got.tobytes():
        differing = int(np.count_nonzero(expected != got))
        raise DataRefused(
            f"{file} gives other probabilities once its features are in the record's order, on {differing} of "
            f"{len(rows)} made-up rows: please report it, with the file."
        )


def _made_up(edges: SplitEdges, features: int, seed: int) -> Matrix:
    """Rows that reach every side of every split: between the lowest and highest threshold, on them, or missing."""
    random = np.random.default_rng(seed)
    rows = random.uniform(0, 2, (COMPARED_ROWS, features)).astype(np.float32)
    for feature, values in edges.thresholds.items():
        rows[:, feature] = _around(values, random)
    rows = rows_on_splits(rows, edges, COMPARED_ROWS, random)
    rows[random.random(rows.shape) < 0.1] = np.nan
    return rows


def _around(values: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    lowest, highest = float(values[0]), float(values[-1])
    room = 1 + (highest - lowest) / 10
    return random.uniform(lowest - room, highest + room, COMPARED_ROWS).astype(np.float32)


def _manifest(use_case: UseCase, threshold: float, reason: str | None, origin: dict[str, str]) -> Manifest:
    not_judged = GateCheck(name="judged on data", passed=False, detail="imported: there was no data to judge it on")
    return Manifest(
        use_case=use_case.name,
        origin="imported",
        created_at=datetime.now(UTC),
        features=tuple(Feature(name=field.name, kind=field.kind) for field in use_case.features),
        parameters=dict(origin),
        threshold_rule=fixed(threshold).rule,
        threshold=threshold,
        gate=GateVerdict(passed=False, checks=(not_judged,), forced_because=reason),
        libraries=library_versions({"xgboost": VERSION}),
    )


def _read_native(file: Path) -> bytes:
    """The content of a file that XGBoost has read, and predicted with, in a process of its own."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataRefused(f"{file} cannot be read: {error.strerror or error}.") from error
    ends = content.strip()[:1], content.strip()[-1:]
    why = "it is not whole" if ends != (b"{", b"}") else why_unusable(content)
    if why:
        raise DataRefused(
            f"{file} is not a model that XGBoost {VERSION} can read ({why}): "
            "save it again with booster.save_model('model.json')."
        )
    return content
