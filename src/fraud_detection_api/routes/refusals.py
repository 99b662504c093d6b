"""Errors as HTTP: one body shape, `detail` and `code`; of refused values `detail` is FastAPI's own list."""

import json

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from fraud_detection_api.errors import (
    BodyTooLarge,
    BodyTooSlow,
    BodyUnreadable,
    FraudError,
    InputRefused,
    RecordsRefused,
    TooBusy,
    UnsupportedMediaType,
)
from fraud_detection_api.problems import MOST_PROBLEMS, Misfit, Problem
from fraud_detection_api.schemas.answers import Refusal
from fraud_detection_api.schemas.plain_values import plain

JSON = "application/json"
NO_ADDRESS = "There is no such address; /docs shows them all."


Responses = dict[int | str, dict[str, object]]  # as FastAPI takes them


def add_refusals(app: FastAPI) -> None:
    """Answer every refusal in one shape."""
    app.exception_handler(FraudError)(_fraud_error)
    app.exception_handler(RequestValidationError)(_validation_error)
    app.exception_handler(HTTPException)(_http_exception)


def refusal(status: int, detail: object, code: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal that is not about a record."""
    return _json(status, {"detail": detail, "code": code}, headers)


def refusal_of(error: FraudError) -> Response:
    """An error of ours as HTTP."""
    if isinstance(error, RecordsRefused):
        found = [_problem(problem, alone=error.alone) for problem in error.problems[:MOST_PROBLEMS]]
        return refusal(error.status, found, error.code)
    if isinstance(error, InputRefused):
        return refusal(error.status, [_misfit(misfit) for misfit in error.misfits[:MOST_PROBLEMS]], error.code)
    headers = {"Retry-After": "1"} if error.status in (429, 503) else {}
    if isinstance(error, BodyTooLarge | BodyTooSlow):
        headers["Connection"] = "close"  # what is left of the body is not worth reading
    return refusal(error.status, error.message, error.code, headers)


def documented(words: str, *errors: type[FraudError], model: type[BaseModel] = Refusal) -> dict[str, object]:
    """What OpenAPI tells of these errors: when they come, and by which codes they are told apart."""
    codes = ", ".join(f"`{code}`" for code in dict.fromkeys(error.code for error in errors))
    return {"model": model, "description": f"{words} ({codes})"}


# what every address that costs may answer, and every one of them that takes a body
BUSY: Responses = {429: documented("Too many requests in flight; Retry-After says when to come again", TooBusy)}
POSTED: Responses = {
    400: documented("The body cannot be read at all", BodyUnreadable),
    408: documented("The body did not arrive within the deadline", BodyTooSlow),
    415: documented("The body is not said to be JSON", UnsupportedMediaType),
    **BUSY,
}


async def _fraud_error(_: Request, error: FraudError) -> Response:
    return refusal_of(error)


async def _validation_error(_: Request, error: RequestValidationError) -> Response:
    return refusal(422, [plain(each) for each in error.errors()[:MOST_PROBLEMS]], RecordsRefused.code)


async def _http_exception(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        slash = request.url.path.endswith("/")
        detail = "There is no such address: none ends with a slash." if slash else NO_ADDRESS
        return refusal(404, detail, "not_found")
    if error.status_code == 405:
        methods = _allowed(headers.get("Allow", ""))
        return refusal(405, f"This address takes {methods} only.", "method_not_allowed", headers | {"Allow": methods})
    return refusal(error.status_code, error.detail, "refused", headers)


def _allowed(methods: str) -> str:
    """Every address that answers GET answers HEAD, too."""
    return ", ".join(f"{each}, HEAD" if each == "GET" else each for each in methods.split(", "))


def _problem(problem: Problem, *, alone: bool) -> dict[str, object]:
    place = ["body", problem.field] if alone else ["body", problem.row, problem.field]
    return {"type": problem.kind, "loc": place, "msg": problem.message, "input": plain(problem.value)}


def _misfit(misfit: Misfit) -> dict[str, object]:
    found = {"type": misfit.kind, "loc": misfit.place, "msg": misfit.message, "input": misfit.value}
    return found if misfit.context is None else found | {"ctx": misfit.context}


def _json(status: int, content: object, headers: dict[str, str] | None = None) -> Response:
    # ASCII only: a lone surrogate in the caller's text cannot be written as UTF-8
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Response(text, status, headers, media_type=JSON)
