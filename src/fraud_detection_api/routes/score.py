"""The scoring addresses: one declaration makes the route of any use case, short or full."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from fraud_detection_api.schemas.answers import Refusal, full_score_answer, score_answer
from fraud_detection_api.schemas.reasons import MOST_REASONS, ReasonsFor, reasons_asked
from fraud_detection_api.services.scoring import Answer, Scoring, SingleScoring

ANSWERS: dict[int | str, dict[str, object]] = {
    200: {
        "headers": {
            "X-Model-Version": {"description": "The model that gave these scores", "schema": {"type": "string"}},
            "X-Request-ID": {"description": "The caller's id, or one made here", "schema": {"type": "string"}},
        }
    },
    400: {"model": Refusal, "description": "The body cannot be read at all"},
    408: {"model": Refusal, "description": "The body did not arrive within the deadline"},
    413: {"model": Refusal, "description": "Too many records or bytes"},
    429: {"model": Refusal, "description": "Too many requests in flight; Retry-After says when to come again"},
    503: {"model": Refusal, "description": "No model can be served, or no answer within the deadline"},
}
AT_ONCE = 1_000
Most = Annotated[
    int, Query(alias="reasons", ge=0, le=MOST_REASONS, description="Give up to so many reasons for a score")
]
Of = Annotated[ReasonsFor, Query(alias="reasons_for", description="Give reasons for flagged records only, or for all")]


def score_path(use_case: str) -> str:
    """The address of a use case's full answer."""
    return f"/score/{use_case}"


def score_router(scoring: Scoring) -> APIRouter:
    """POST /score/<use case>: the full answer, with reasons where they are asked for."""
    use_case = scoring.use_case

    async def score(records: list[use_case.record], most: Most = 0, of: Of = ReasonsFor.FLAGGED) -> Response:  # type: ignore[name-defined]  # known at run time
        return response_of(scoring.answer_records(records, reasons_asked(most, of)))

    return _router(score_path(use_case.name), scoring, score, full_score_answer(use_case))


def short_score_router(path: str, scoring: Scoring) -> APIRouter:
    """A use case's own address: the short answer."""
    use_case = scoring.use_case

    async def score(records: list[use_case.record]) -> Response:  # type: ignore[name-defined]  # known at run time
        return response_of(scoring.answer_records(records))

    return _router(path, scoring, score, score_answer(use_case))


def single_score_router(path: str, scoring: SingleScoring, answer: type[BaseModel]) -> APIRouter:
    """An address that takes one record and answers one object."""
    use_case = scoring.use_case

    async def score(record: use_case.record) -> Response:  # type: ignore[name-defined]  # known at run time
        return response_of(scoring.answer_record(record))

    score.__annotations__["record"] = Annotated[use_case.record, Body(examples=[use_case.example])]
    return answering_router(path, use_case.title, score, answer)


def response_of(found: Answer) -> Response:
    """An answer as HTTP."""
    return Response(found.content, media_type="application/json", headers={"X-Model-Version": found.model_version})


def _router(path: str, scoring: Scoring, score: Callable[..., Awaitable[Response]], answer: type[object]) -> APIRouter:
    """A POST address that takes a list of the use case's records."""
    use_case = scoring.use_case

    def look(records: object, validate: ValidatorFunctionWrapHandler) -> object:
        scoring.refuse_too_many(records)
        return _validated(records, validate)

    body = Body(examples=[[use_case.example]])
    score.__annotations__["records"] = Annotated[list[use_case.record], WrapValidator(look), body]  # type: ignore[name-defined]  # known at run time
    return answering_router(path, use_case.title, score, list[answer])  # type: ignore[valid-type]  # known at run time


def answering_router(path: str, title: str, score: Callable[..., Awaitable[Response]], answer: object) -> APIRouter:
    """A POST address that writes its own answer, documented as this type."""
    router = APIRouter(tags=["scoring"])
    router.add_api_route(
        path,
        score,
        methods=["POST"],
        response_model=answer,
        responses=ANSWERS,
        name=f"{title}: {path}",
        operation_id=path.strip("/").replace("/", "_"),
    )
    return router


def _validated(records: object, validate: ValidatorFunctionWrapHandler) -> object:
    # of many bad records the caller is told the first problems only: to word them all would take a minute
    if not isinstance(records, list):
        return validate(records)
    found: list[object] = []
    for start in range(0, max(len(records), 1), AT_ONCE):
        try:
            found += validate(records[start : start + AT_ONCE])
        except ValidationError:
            validate(records[: start + AT_ONCE])  # again from the first, so that each problem has its place
            raise
    return found
