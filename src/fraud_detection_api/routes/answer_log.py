"""GET /answers: the answer log, page by page."""

from collections.abc import Mapping
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from fraud_detection_api.errors import (
    AnswersClosed,
    AnswersMissing,
    DeadlineExceeded,
    StoreTableUnfit,
    StoreUnavailable,
    UnknownUseCase,
)
from fraud_detection_api.routes.refusals import BUSY, JSON, Responses, documented
from fraud_detection_api.routes.score_store import StoreAccess
from fraud_detection_api.schemas.answer_log import AnswerPage, AnswersQuery
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.use_cases.known import named

ANSWERS = "answers"
REFUSALS: Responses = {
    **BUSY,
    403: documented("FRAUD_KEEP_READABLE does not allow it", AnswersClosed),
    404: documented("No such use case, or no answers of it were kept", UnknownUseCase, AnswersMissing),
    409: documented("The table holds something else", StoreTableUnfit),
    503: documented("The store is away, or too slow; see Retry-After", StoreUnavailable, DeadlineExceeded),
}


def answer_log_router(access: StoreAccess, use_cases: Mapping[str, UseCase], *, is_readable: bool) -> APIRouter:
    """The address of what was answered."""
    router = APIRouter(tags=["answer log"])

    @router.get(
        f"/{ANSWERS}/{{use_case}}", summary="Read what was answered", response_model=AnswerPage, responses=REFUSALS
    )
    async def answers(use_case: str, query: Annotated[AnswersQuery, Query()]) -> Response:
        """What was answered, in the order in which it was written to the log; `from` and `to` take ISO 8601."""
        if not is_readable:
            raise AnswersClosed
        name = named(use_case, use_cases).name

        def page() -> bytes:
            found, following = access.store.answers.page(name, query)
            return orjson.dumps({"answers": found, "next": following}, option=orjson.OPT_UTC_Z)

        return Response(await access.apart(page), media_type=JSON)

    return router
