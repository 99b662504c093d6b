"""What is served: versions, features, metrics, thresholds, reports."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Response

from fraud_detection_api.errors import BundleRefused, ModelMissing, ReportMissing, UnknownUseCase
from fraud_detection_api.model.bundle import REPORT, REPORT_DATA
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.routes.dependencies import ServedModelsDependency
from fraud_detection_api.routes.health import model_state
from fraud_detection_api.routes.refusals import JSON, Responses, documented
from fraud_detection_api.schemas.answers import ModelState
from fraud_detection_api.use_cases.known import named

router = APIRouter(prefix="/models", tags=["models"])

REFUSALS: Responses = {
    404: documented("There is no such use case", UnknownUseCase),
    503: documented("No model can be served for it", ModelMissing),
}
REPORT_ANSWERS: Responses = {
    200: {
        "description": "The report: HTML, or the same as JSON",
        "content": {"text/html": {"schema": {"type": "string"}}, JSON: {"schema": {"type": "object"}}},
        "headers": {
            "X-Model-Version": {"description": "The model that it is about", "schema": {"type": "string"}},
            "ETag": {"description": "The digest of the report", "schema": {"type": "string"}},
        },
    },
    304: {"description": "The caller has this report: `If-None-Match` names its ETag"},
    404: documented("There is no such use case, or its model keeps no report", UnknownUseCase, ReportMissing),
    500: documented("The report is not the one that the bundle was made with", BundleRefused),
    503: REFUSALS[503],
}
KEPT = {"html": (REPORT, "text/html; charset=utf-8"), "json": (REPORT_DATA, JSON)}
LOADS_NOTHING = {
    "Cache-Control": "no-cache",  # the next champion has another one
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class ServedModelAnswer(Manifest):
    """The manifest of the model that scores now, and its version."""

    version: str


@router.get("", summary="List what is served")
async def list_models(served_models: ServedModelsDependency) -> list[ModelState]:
    """Every use case and the version that scores it now."""
    return [model_state(served) for served in served_models.by_use_case.values()]


@router.get(
    "/{use_case}",
    summary="Describe a model",
    response_model_exclude={"files": True, "features": {"__all__": {"histogram_edges", "histogram_counts"}}},
    responses=REFUSALS,
)
async def get_model(use_case: str, served_models: ServedModelsDependency) -> ServedModelAnswer:
    """The model that scores a use case now: its manifest without the reference histograms."""
    scorer = named(use_case, served_models.by_use_case).current()
    return ServedModelAnswer(version=scorer.version, **scorer.manifest.abridged().model_dump())


@router.get("/{use_case}/report", summary="Read a model's report", responses=REPORT_ANSWERS, response_class=Response)
def get_report(  # not async: a file is read, off the event loop
    use_case: str,
    served_models: ServedModelsDependency,
    format: Literal["html", "json"] = "html",  # noqa: A002
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """The report (model card) of the model that scores a use case now."""
    file, media_type = KEPT[format]
    served = named(use_case, served_models.by_use_case)
    scorer = served.current()
    sha256 = scorer.manifest.files.get(file)
    if sha256 is None:
        raise ReportMissing(use_case, scorer.version)
    headers = {"X-Model-Version": scorer.version, "ETag": f'"{sha256}"', **LOADS_NOTHING}
    if _names(if_none_match, sha256):
        return Response(status_code=304, headers=headers)
    content = served.registry.attached(use_case, scorer.version, file, sha256)  # nothing of it stays in memory
    return Response(content, media_type=media_type, headers=headers)


def _names(if_none_match: str, sha256: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return f'"{sha256}"' in tags or tags == ["*"]
