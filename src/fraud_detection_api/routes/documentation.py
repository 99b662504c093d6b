"""/openapi.json, and /docs to read it and try it out: Swagger UI from the package's own files, without a network.

The files lie compressed, are read when somebody asks for them, and stay in no worker's memory.
"""

import gzip
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response

from fraud_detection_api.errors import QueryTooLong, RecordsRefused
from fraud_detection_api.routes.queries import refuse_unknown_parameters
from fraud_detection_api.routes.refusals import JSON, Responses, documented
from fraud_detection_api.schemas.answers import InputRefusal

DESCRIPTION = """
Scores records of several use cases, one model each: how likely a fraud is, or how unusual a record.

Every refusal has a body with `detail` and a stable `code`. Every answer carries `X-Request-ID`, the caller's own or
one made here; scoring answers carry `X-Model-Version`. HEAD is answered wherever GET is. Unknown fields and query
parameters are refused.
"""
TAGS = [
    {"name": "scoring", "description": "Records in, scores out, by the champion of each use case."},
    {"name": "models", "description": "What is served: versions, features, thresholds, measures, reports."},
    {"name": "score store", "description": "Scores that are stored by project and table, and read back in pages."},
    {"name": "answer log", "description": "What was answered, read back in pages, where the settings allow it."},
    {"name": "histories", "description": "Who is known: latest records, found by what an id begins with."},
    {"name": "health", "description": "Probes for whoever runs the service."},
]
EVERYWHERE: Responses = {
    414: documented("The query is longer than the service reads", QueryTooLong),
    422: documented("A value of the request is wrong; `loc` says which one", RecordsRefused, model=InputRefusal),
}

LICENCE = {"name": "Apache 2.0", "identifier": "Apache-2.0"}

FOLDER = Path(__file__).with_name("swagger_ui")
SCRIPT = "text/javascript; charset=utf-8"
PARTS = {"swagger-ui.css": "text/css; charset=utf-8", "swagger-ui-bundle.js": SCRIPT, "start.js": SCRIPT}
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
PART_HEADERS = {
    "Cache-Control": "public, max-age=86400",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Described:
    """What OpenAPI says of a whole service."""

    summary: str
    description: str
    tags: list[dict[str, str]]


SCORING = Described("From a record to a fraud probability", DESCRIPTION, TAGS)
PIPELINE = Described(
    "From raw orders to a promoted model",
    """
Queues runs of the orders' pipeline, does them one at a time, and lets them be watched.

Every refusal has a body with `detail` and a stable `code`. Unknown fields and query parameters are refused.
""",
    [
        {"name": "pipeline", "description": "Runs: asked for, watched, cancelled."},
        {"name": "health", "description": "Probes for whoever runs the service."},
    ],
)


def described_app(
    version: str,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    described: Described = SCORING,
) -> FastAPI:
    """An application without addresses: what OpenAPI says of the whole, and what is the same at every address."""
    return FastAPI(
        title="fraud_detection_api",
        summary=described.summary,
        description=described.description,
        version=version,
        license_info=LICENCE,
        openapi_tags=described.tags,
        servers=[{"url": "/"}],
        responses=EVERYWHERE,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(refuse_unknown_parameters)],
        redirect_slashes=False,  # a redirect follows the caller's Host, and records would be sent again
        openapi_url=None,  # served below
        lifespan=lifespan,
    )


@router.get("/openapi.json")
def openapi(request: Request) -> Response:  # not async, as its neighbours: made or read off the event loop
    """The OpenAPI document."""
    document = request.app.openapi() | {"security": []}  # said, not forgotten: a proxy lets clients in
    return Response(orjson.dumps(document), media_type=JSON)


@router.get("/docs")
def page() -> Response:
    """The page that shows the document."""
    return Response((FOLDER / "index.html").read_bytes(), media_type="text/html; charset=utf-8", headers=PAGE_HEADERS)


@router.get("/docs/{name}")
def part(name: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
    """A script or a style of the page."""
    if name not in PARTS:
        raise HTTPException(404)
    content = (FOLDER / f"{name}.gz").read_bytes()
    if "gzip" in accept_encoding:
        headers = PART_HEADERS | {"Content-Encoding": "gzip"}
        return Response(content, media_type=PARTS[name], headers=headers)
    return Response(gzip.decompress(content), media_type=PARTS[name], headers=PART_HEADERS)
