"""GET /{use_case}/find: the latest records of those who are known, by what their ids begin with."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from fraud_detection_api.errors import DeadlineExceeded, UnknownUseCase
from fraud_detection_api.history_errors import FindClosed, HistoriesAway, HistoriesNotShared, HistoriesUnreadable
from fraud_detection_api.routes.refusals import BUSY, JSON, Responses, documented
from fraud_detection_api.schemas.latest import FindPage, FindQuery
from fraud_detection_api.services.finding import Finding

REFUSALS: Responses = {
    **BUSY,
    403: documented("FRAUD_FIND does not name the use case", FindClosed),
    404: documented("No such use case", UnknownUseCase),
    500: documented("What was kept cannot be read", HistoriesUnreadable),
    503: documented(
        "The store of histories is away, or is not shared by all workers",
        HistoriesAway,
        HistoriesNotShared,
        DeadlineExceeded,
    ),
}


def find_router(finding: Finding) -> APIRouter:
    """The address of who is known."""
    router = APIRouter(tags=["histories"])

    @router.get("/{use_case}/find", summary="Find who is known", response_model=FindPage, responses=REFUSALS)
    async def find(use_case: str, query: Annotated[FindQuery, Query()]) -> Response:
        """The latest record of each customer whose id begins with the prefix, in the order of the ids as text."""
        return Response(await finding.page(use_case, query), media_type=JSON)

    return router
