"""POST /insert and GET /scores: scores into the store, and back in pages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Literal, TypeVar

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from fraud_detection_api.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    InputRefused,
    StoreTableMissing,
    StoreTableUnfit,
    StoreUnavailable,
    TooManyRecords,
)
from fraud_detection_api.features.json_values import has_more
from fraud_detection_api.routes.admission import Body
from fraud_detection_api.routes.refusals import BUSY, JSON, POSTED, Responses, documented
from fraud_detection_api.schemas.plain_values import plain
from fraud_detection_api.schemas.stored_scores import SAFE_NAME, Insertion, ScoresPage, ScoresQuery
from fraud_detection_api.services.insertions import insertion_in
from fraud_detection_api.services.store import Store

INSERTED: Literal["values inserted"] = "values inserted"
INSERT, SCORES = "/insert", "scores"
MOST_ROW_BYTES = 200  # three times what the longest id, score and class take
COMMAS_PER_ROW = 4  # one for each of three columns, and a few between the fields

Result = TypeVar("Result")
Name = Annotated[str, Path(pattern=SAFE_NAME, examples=["raizen_gasoline"])]

REFUSALS: Responses = {
    **BUSY,
    404: documented("No scores were stored under this name", StoreTableMissing),
    409: documented("The table is there already, and holds something else", StoreTableUnfit),
    503: documented("The store is away, or gave no answer; see Retry-After", StoreUnavailable, DeadlineExceeded),
}
INSERT_REFUSALS: Responses = {
    **POSTED,
    **{status: words for status, words in REFUSALS.items() if status != 404},
    413: documented("Too many scores or bytes", TooManyRecords, BodyTooLarge),
}
BODY = {
    "requestBody": {"required": True, "content": {JSON: {"schema": Insertion.model_json_schema()}}},
}


@dataclass(frozen=True)
class StoreAccess:
    """The way to the store, off the event loop."""

    store: Store
    threads: ThreadPoolExecutor

    async def apart(self, work: Callable[[], Result]) -> Result:
        """What work with the store returns."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)


def store_router(access: StoreAccess, max_rows: int) -> APIRouter:
    """The addresses of one store."""

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(access.store.close)  # on no thread of its own, where others may wait before it

    router = APIRouter(tags=["score store"], lifespan=lifespan)

    @router.post(INSERT, summary="Store scores", responses=INSERT_REFUSALS, openapi_extra=BODY)
    async def insert(request: Request) -> Literal["values inserted"]:
        """Store one score, or lists of one length: all of them or none. An id that is there already is updated."""
        body: Body = (await request.receive())["body"]  # whole, as admission hands it on; request.body() would copy it
        await access.apart(partial(_insert, access.store, max_rows, body))
        return INSERTED

    @router.get(
        "/scores/{project_name}/{table_name}",
        summary="Read stored scores",
        response_model=ScoresPage,
        responses=REFUSALS,
    )
    async def scores(project_name: Name, table_name: Name, query: Annotated[ScoresQuery, Query()]) -> Response:
        """Stored scores in the order of their ids, page by page."""
        content = await access.apart(partial(_page, access.store, project_name, table_name, query))
        return Response(content, media_type=JSON)

    return router


def _insert(store: Store, most: int, body: Body) -> None:
    if has_more(body, b",", COMMAS_PER_ROW * most):  # counted in a moment, read in seconds
        raise TooManyRecords(most)
    insertion = insertion_in(body)
    if len(insertion.id) > most:
        raise TooManyRecords(most)
    with _placed("body"):
        store.scores.write(insertion.project_name, insertion.table_name, insertion.scores)


def _page(store: Store, project: str, table: str, query: ScoresQuery) -> bytes:
    with _placed("path"):
        return orjson.dumps(store.scores.page(project, table, query), option=orjson.OPT_UTC_Z)


@contextmanager
def _placed(part: str) -> Iterator[None]:
    """The store does not know in which part of a request a name was, nor how long it may be where it is repeated."""
    try:
        yield
    except InputRefused as error:
        misfits = [replace(each, place=(part, *each.place), value=plain(each.value)) for each in error.misfits]
        raise InputRefused(misfits) from None
