"""The pipeline service's addresses: ask for a run, watch it, cancel it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path as FilePath
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.types import Receive, Scope, Send

from fraud_detection_api.errors import BodyTooLarge, TooBusy
from fraud_detection_api.pipeline.data_folder import DataFolder
from fraud_detection_api.pipeline.parameters import RunParameters, TrainingParameters, parameters_of
from fraud_detection_api.pipeline.running import new_run
from fraud_detection_api.routes.admission import InFlightLimit
from fraud_detection_api.routes.refusals import JSON, POSTED, Responses, documented
from fraud_detection_api.run_errors import JournalUnavailable, RawOrdersMissing, RunHasEnded, TooManyRuns, UnknownRun
from fraud_detection_api.schemas.answers import Ping
from fraud_detection_api.schemas.runs import ENDED, QueuedRun, RunPage, RunWithSteps

Result = TypeVar("Result")
BELOW = "pipeline"
MAKE, SUBMIT, RUNS = f"/{BELOW}/make_sample_data", f"/{BELOW}/submit", f"/{BELOW}/runs"
MOST_BODY_BYTES = 16_384
LOOK_SECONDS, SILENCE_SECONDS = 0.5, 15.0
SAFE_FOLDER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
RunId = Annotated[str, Path(pattern=r"^[0-9a-f-]{1,40}$", examples=["20261128-131529-4057af"])]
Limit = Annotated[int, Query(ge=1, le=200)]
Before = Annotated[str | None, Query(max_length=40)]
TOO_LARGE = documented("The body is too large", BodyTooLarge)
AWAY: Responses = {503: documented("The journal is away; see Retry-After", JournalUnavailable)}
KNOWN: Responses = {404: documented("There is no such run", UnknownRun), **AWAY}
ASKED: Responses = {
    **POSTED,
    **AWAY,
    413: TOO_LARGE,
    429: documented("Too many runs are queued, or requests in flight", TooManyRuns, TooBusy),
}
CANCELLED: Responses = {**POSTED, 409: documented("It has ended already", RunHasEnded), **KNOWN, 413: TOO_LARGE}
STREAM: Responses = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    429: documented("Too many are watching", TooBusy),
    **KNOWN,
}


@dataclass(frozen=True, kw_only=True)
class Submission(TrainingParameters):
    """Parameters, and the name of a folder of raw orders."""

    raw: Annotated[str, Field(pattern=SAFE_FOLDER, description="A folder in FRAUD_RAW_ORDERS")]


@dataclass(frozen=True)
class RunAccess:
    """The way to the runs of a data folder, off the event loop; and where raw orders may lie."""

    folder: DataFolder
    threads: ThreadPoolExecutor
    raw_orders: FilePath
    watching: InFlightLimit

    async def apart(self, work: Callable[[], Result]) -> Result:
        """What work with the journal returns."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)


def asking_router(access: RunAccess) -> APIRouter:
    """The addresses that change something: runs are asked for, and cancelled."""
    router = APIRouter(tags=["pipeline"])

    @router.post(MAKE, status_code=202, summary="Run everything, from sample orders on", responses=ASKED)
    async def make_sample_data(parameters: RunParameters, response: Response) -> QueuedRun:
        """Queue a run that makes sample orders and goes on to the promoted model; `{}` takes every default."""
        return await _queue(access, parameters, None, response)

    @router.post(SUBMIT, status_code=202, summary="Run everything, from raw orders on", responses=ASKED)
    async def submit(submission: Submission, response: Response) -> QueuedRun:
        """Queue a run that starts from a folder in FRAUD_RAW_ORDERS."""
        values = asdict(submission)
        raw = access.raw_orders / values.pop("raw")
        if not await access.apart(lambda: _is_within(raw, access.raw_orders)):
            raise RawOrdersMissing(raw.name)
        return await _queue(access, parameters_of(values), raw, response)

    @router.post(
        f"{RUNS}/{{run}}/cancel",
        status_code=202,
        summary="Cancel a run",
        responses=CANCELLED,
        openapi_extra={"requestBody": {"content": {JSON: {"schema": {"type": "object"}, "example": {}}}}},
    )
    async def cancel(run: RunId) -> QueuedRun:
        """A queued run at once, a running one within seconds; what is finished of it stays for the next.

        Like every POST it has to be said to be JSON, which no other site's page can do; the body counts for nothing.
        """
        state = await access.apart(lambda: access.folder.journal.cancel(run))
        return QueuedRun(run, state, f"{RUNS}/{run}")

    return router


def watching_router(access: RunAccess) -> APIRouter:
    """The addresses that show runs."""
    router = APIRouter(tags=["pipeline"])
    journal = access.folder.journal

    @router.get(RUNS, summary="List runs", response_model=RunPage, responses=KNOWN)
    async def runs(limit: Limit = 50, before: Before = None) -> Response:
        """The newest first; `before` takes the `next` of the page before."""
        found = await access.apart(lambda: journal.runs(limit + 1, before))
        shown = tuple(found[:limit])
        return _answer(RunPage(shown, shown[-1].id if len(found) > limit else None))

    @router.get(f"{RUNS}/{{run}}", summary="Show a run", response_model=RunWithSteps, responses=KNOWN)
    async def show(run: RunId) -> Response:
        """Parameters, state, steps with times and rows and outputs, the gate's verdict, the error and its step."""
        return _answer(await access.apart(lambda: journal.run(run)))

    @router.get(f"{RUNS}/{{run}}/events", summary="Watch a run", responses=STREAM, response_class=StreamingResponse)
    async def events(run: RunId) -> StreamingResponse:
        """The same as server-sent events, whenever something changes, until the run has ended."""
        await access.apart(lambda: journal.run(run))  # what is refused is refused before the stream begins
        return _Events(access, run)

    return router


async def _queue(access: RunAccess, parameters: RunParameters, raw: FilePath | None, response: Response) -> QueuedRun:
    run = new_run(parameters, raw)
    await access.apart(lambda: access.folder.journal.add(run))
    response.headers["Location"] = f"{RUNS}/{run.id}"
    return QueuedRun(run.id, run.state, f"{RUNS}/{run.id}")


health = APIRouter(tags=["health"])


@health.get("/ping", summary="Is the process alive?")
async def ping() -> Ping:
    """Answers as long as the process does: a liveness probe."""
    return Ping(message="Service is up!")


def _is_within(raw: FilePath, folder: FilePath) -> bool:
    """Whether it is a folder there, and not a link to somewhere else."""
    return raw.is_dir() and raw.resolve().is_relative_to(folder.resolve())


class _Events(StreamingResponse):
    """A stream that has its place among those that watch from before its head until its end."""

    def __init__(self, access: RunAccess, run: str) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(_events(access, run), media_type="text/event-stream", headers=headers)
        self._watching = access.watching

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._watching:
            await super().__call__(scope, receive, send)


async def _events(access: RunAccess, run: str) -> AsyncIterator[bytes]:
    """What has changed since the last look, and a comment where nothing has for a while."""
    loop, shown, told = asyncio.get_running_loop(), b"", 0.0
    while True:
        found = await access.apart(lambda: access.folder.journal.run(run))
        content = _json(found)
        if content != shown:
            yield b"event: run\ndata: " + content + b"\n\n"
            shown, told = content, loop.time()
        elif loop.time() - told > SILENCE_SECONDS:
            yield b": still there\n\n"
            told = loop.time()
        if found.run.state in ENDED:
            return
        await asyncio.sleep(LOOK_SECONDS)


def _answer(content: RunPage | RunWithSteps) -> Response:
    return Response(_json(content), media_type=JSON)


def _json(content: RunPage | RunWithSteps) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_UTC_Z)
