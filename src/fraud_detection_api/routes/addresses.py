"""Where records are scored: every address as data, served by the fast path and documented by FastAPI."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel

from fraud_detection_api.errors import (
    AnswersCannotBeKept,
    BodyTooLarge,
    DeadlineExceeded,
    ModelMissing,
    ReasonsUnavailable,
    RecordTooLarge,
    ShuttingDown,
    TooManyRecords,
    UseCaseInvalid,
)
from fraud_detection_api.routes.fast_path import (
    HistoryParameters,
    HistoryReasonsParameters,
    NoParameters,
    ReasonsParameters,
)
from fraud_detection_api.routes.refusals import POSTED, Responses, documented
from fraud_detection_api.schemas.address import Address, AnswerForm, BodyForm, vector_address
from fraud_detection_api.schemas.answers import InlierPrediction, full_score_answer, score_answer
from fraud_detection_api.schemas.score_kinds import ANOMALY
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.body_readers import vector_of

SCORING_RESPONSES: Responses = {
    **POSTED,
    200: {
        "headers": {
            "X-Model-Version": {"description": "The model that gave these scores", "schema": {"type": "string"}},
            "X-Request-ID": {"description": "The caller's id, or one made here", "schema": {"type": "string"}},
        }
    },
    413: documented("Too many records or bytes", TooManyRecords, RecordTooLarge, BodyTooLarge),
    503: documented(
        "No model can be served, no reasons can be given, no answer within the deadline, or it could not be kept",
        ModelMissing,
        ReasonsUnavailable,
        DeadlineExceeded,
        ShuttingDown,
        AnswersCannotBeKept,
    ),
}


def addresses_of(use_case: UseCase) -> Iterator[Address]:
    """A use case's own addresses, its list with full answers, and its vectors where nothing is labelled."""
    yield from use_case.addresses
    if use_case.score is ANOMALY and not any(each.reads is BodyForm.VECTOR for each in use_case.addresses):
        yield vector_address(f"/prediction/{use_case.name}")
    yield Address(
        f"/score/{use_case.name}",
        answer=AnswerForm.FULL,
        summary=f"Score {use_case.title.lower()} in full",
        description="Score, decision, warnings and model version of each record, in the same order; reasons on demand.",
    )


def every_address(use_cases: Mapping[str, UseCase]) -> dict[str, tuple[Address, UseCase]]:
    """All addresses that score, by path."""
    found: dict[str, tuple[Address, UseCase]] = {}
    for use_case in use_cases.values():
        for address in addresses_of(use_case):
            if address.path in found:
                raise UseCaseInvalid(f"Use case {use_case.name}: the address {address.path} is taken already.")
            found[address.path] = address, use_case
    return found


def query_of(address: Address, use_case: UseCase) -> type[NoParameters]:
    """What a query may ask of an address."""
    if use_case.histories:
        return HistoryReasonsParameters if address.answer is AnswerForm.FULL else HistoryParameters
    return ReasonsParameters if address.answer is AnswerForm.FULL else NoParameters


def documented_route(address: Address, use_case: UseCase) -> APIRouter:
    """An address as OpenAPI tells it; requests are answered by the fast path before they come here."""
    router = APIRouter(tags=["scoring"])
    answer = answer_model(address, use_case)
    router.add_api_route(
        address.path,
        _described(address, use_case),
        methods=["POST"],
        response_model=list[answer] if address.reads is BodyForm.RECORDS else answer,  # type: ignore[valid-type]  # known at run time
        responses=SCORING_RESPONSES,
        summary=address.summary or None,
        description=address.description,
        operation_id=address.path.strip("/").replace("/", "_"),
    )
    return router


def answer_model(address: Address, use_case: UseCase) -> type[BaseModel]:
    """What one record's answer looks like."""
    match address.answer:
        case AnswerForm.SHORT:
            return score_answer(use_case)
        case AnswerForm.FULL:
            return full_score_answer(use_case)
        case AnswerForm.INLIER:
            return InlierPrediction
        case own:
            return own.model


def _described(address: Address, use_case: UseCase) -> Callable[..., Awaitable[None]]:
    async def described(body: object, query: object) -> None:
        """Known to FastAPI for the sake of its document."""

    taken, example = _taken(address.reads, use_case)
    described.__annotations__["body"] = Annotated[taken, Body(examples=[example])]
    described.__annotations__["query"] = Annotated[query_of(address, use_case), Query()]
    return described


def _taken(reads: BodyForm, use_case: UseCase) -> tuple[object, object]:
    """The type of a body, and one that works."""
    match reads:
        case BodyForm.RECORDS:
            return list[use_case.record], [use_case.example]  # type: ignore[name-defined]  # known at run time
        case BodyForm.RECORD:
            return use_case.record, use_case.example
        case BodyForm.VECTOR:
            numbers = [float(use_case.example[name] or 0) for name in (field.name for field in use_case.inputs)]
            return vector_of(use_case), {"feature_vector": numbers, "score": True}
