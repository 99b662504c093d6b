"""The scoring addresses: one declaration makes the route of any use case, short or full."""

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from fraud_detection_api.schemas.answers import Refusal, full_score_answer
from fraud_detection_api.services.scoring import Scoring

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


def score_path(use_case: str) -> str:
    """The address of a use case's full answer."""
    return f"/score/{use_case}"


def score_router(scoring: Scoring) -> APIRouter:
    """POST /score/<use case>: the full answer."""
    return scoring_router(score_path(scoring.use_case.name), scoring, full_score_answer(scoring.use_case))


def scoring_router(path: str, scoring: Scoring, answer: type[object]) -> APIRouter:
    """A POST address that takes a list of the use case's records."""
    use_case = scoring.use_case
    router = APIRouter(tags=["scoring"])

    async def score(records: list[use_case.record]) -> Response:  # type: ignore[name-defined]  # known at run time
        found = scoring.answer_records(records)
        return Response(found.content, media_type="application/json", headers={"X-Model-Version": found.model_version})

    def look(records: object, validate: ValidatorFunctionWrapHandler) -> object:
        scoring.refuse_too_many(records)
        return _validated(records, validate)

    body = Body(examples=[[use_case.example]])
    score.__annotations__["records"] = Annotated[list[use_case.record], WrapValidator(look), body]  # type: ignore[name-defined]  # known at run time
    router.add_api_route(
        path,
        score,
        methods=["POST"],
        response_model=list[answer],  # type: ignore[valid-type]  # known at run time
        responses=ANSWERS,
        name=f"{use_case.title}: fraud probabilities",
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
