"""One part of a step, done in whichever process: all that it is told is a text, and all that it answers is one."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from fraud_detection_api.atomic import whole_path
from fraud_detection_api.errors import FraudError
from fraud_detection_api.pipeline.code_version import code_version, step_named, steps_of
from fraud_detection_api.pipeline.outputs import PARTS, DonePart, done_part, put_record, sha256_of
from fraud_detection_api.pipeline.step import Parameters, Part


@dataclass(frozen=True)
class PartWork:
    """Which part of which step is to be done, from which inputs, into which folder."""

    steps: str  # an import string
    step: str
    inputs: Mapping[str, str]
    parameters: Parameters
    file: str
    number: int
    folder: str
    code: str


@dataclass(frozen=True)
class PartResult:
    """What became of it: done, or why it never will be."""

    done: DonePart | None = None
    error: str = ""


def as_text(work: PartWork) -> str:
    """What is sent: plain values, as JSON."""
    return orjson.dumps(asdict(work)).decode()


def result_of(text: str) -> PartResult:
    """What came back."""
    found = orjson.loads(text)
    return PartResult(DonePart(**found["done"]) if found["done"] else None, found["error"])


def do_part(text: str) -> str:
    """Do a part; whatever goes wrong in it comes back in words."""
    work = PartWork(**orjson.loads(text))
    try:
        result = PartResult(done=_done(work))
    except Exception as error:  # noqa: BLE001 - an error of the work, whatever it is, is told and not raised elsewhere
        result = PartResult(error=words_of(error))
    return orjson.dumps(asdict(result)).decode()


def words_of(error: BaseException) -> str:
    """An error in words that may be stored: those of a library may quote what it was given, so they stay out."""
    if isinstance(error, FraudError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__} at {_place(error)}"


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _done(work: PartWork) -> DonePart:
    folder = Path(work.folder)
    if not (folder / PARTS).is_dir():
        raise FraudError(f"{folder} is not seen by this process: workers need the data folder at the same path.")
    if code_version(work.steps) != work.code:
        raise FraudError("This process has other code than the one that runs the pipeline: install the same version.")
    if (there := done_part(folder, Part(work.file, work.number))) is not None:
        return there  # by a worker that was given it before, and whose scheduler has gone since
    step, path = step_named(work.step, steps_of(work.steps)), folder / work.file
    inputs = {name: Path(place) for name, place in work.inputs.items()}
    began = time.monotonic()
    with whole_path(path) as partial:
        rows = step.do(inputs, work.parameters, Part(work.file, work.number), partial)
        size, sha256 = partial.stat().st_size, sha256_of(partial)
        done = DonePart(work.file, rows, round(time.monotonic() - began, 3), size, sha256)
        put_record(folder, done)
    return done
