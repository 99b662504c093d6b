"""Making reports: the files that a bundle keeps of itself, when it is made and whenever it is made again."""

import orjson
from pydantic import TypeAdapter, ValidationError

from fraud_detection_api.errors import BundleRefused
from fraud_detection_api.model.bundle import COMPARISON, REPORT, REPORT_DATA, Bundle
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.compared import Comparison
from fraud_detection_api.training.proof.holdout_rows import Holdout, kept_rows
from fraud_detection_api.training.report.anomalies import anomalies
from fraud_detection_api.training.report.contents import Importance, Purpose, Report
from fraud_detection_api.training.report.figures import figures
from fraud_detection_api.training.report.kinds import kind_in_words
from fraud_detection_api.training.report.page import page
from fraud_detection_api.training.report.reported_scores import REPORTED

_COMPARISON = TypeAdapter(Comparison)


def report_files(
    use_case: UseCase,
    manifest: Manifest,
    rows: Holdout | None,
    importance: Importance | None,
    comparison: bytes | None = None,
) -> dict[str, bytes]:
    """The report as HTML and as JSON, from a manifest, the holdout rows, and the comparison as the bundle keeps it."""
    found = figures(use_case, manifest, rows) if rows else None
    report = Report(
        use_case=_purpose(use_case),
        manifest=manifest.abridged().model_copy(update={"files": {}}),
        kind=kind_in_words(manifest, use_case),
        figures=found,
        anomalies=anomalies(manifest) if manifest.ranks else None,
        comparison=_comparison(use_case, comparison),
        importance=importance,
        limits=REPORTED[manifest.score].limits(use_case, manifest, found, importance),
    )
    return {REPORT: page(report), REPORT_DATA: report.model_dump_json(indent=1).encode() + b"\n"}


def report_again(use_case: UseCase, manifest: Manifest, bundle: Bundle) -> dict[str, bytes]:
    """The report of a bundle's model with another manifest (its threshold, its gate), from what the bundle keeps."""
    rows, comparison = kept_rows(bundle, use_case.costs), bundle.attached(COMPARISON)
    return report_files(use_case, manifest, rows, _importance(bundle), comparison)


def _comparison(use_case: UseCase, kept: bytes | None) -> Comparison | None:
    if kept is None:
        return None
    try:
        return _COMPARISON.validate_json(kept)
    except ValidationError as error:
        wrong = error.errors()[0]["msg"]
        raise BundleRefused(f"of {use_case.name}", f"{COMPARISON} cannot be read: {wrong}") from error


def _importance(bundle: Bundle) -> Importance | None:
    kept = bundle.attached(REPORT_DATA)
    found = orjson.loads(kept).get("importance") if kept else None
    return Importance.model_validate(found, strict=False) if found else None


def _purpose(use_case: UseCase) -> Purpose:
    return Purpose(
        name=use_case.name,
        title=use_case.title,
        purpose=use_case.purpose,
        not_for=use_case.not_for,
        label=use_case.label,
        time_column=use_case.time_column,
        order_column=use_case.order_column,
        entity=use_case.entity,
        group=use_case.gate.group,
        help_texts={field.name: field.description for field in use_case.features},
    )
