"""Outputs: folders of parts, each addressed by all that it depends on, so that no run ever reads another's by mistake.

A part is whole once its file is there: what is known of it is written before. An output is finished once its own
record is there, which is written last.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from fraud_detection_api.atomic import whole_file
from fraud_detection_api.pipeline.parameters import needed_by
from fraud_detection_api.pipeline.step import Parameters, Part, Step
from fraud_detection_api.run_errors import RawOrdersMissing

OUTPUTS = "outputs"
FINISHED = "_finished.json"  # readers of Parquet pass names by that begin so
PARTS = "_parts"
VERDICT = "verdict.json"  # a part of this name says whether the gate let a model pass; runs show it


@dataclass(frozen=True)
class DonePart:
    """What is known of a part that is there."""

    file: str
    rows: int
    seconds: float
    bytes: int
    sha256: str


@dataclass(frozen=True)
class FinishedOutput:
    """What is known of an output that is whole."""

    step: str
    rows: int
    seconds: float  # of work, whichever processes did it
    digest: str  # of its files' names and contents alone
    files: tuple[DonePart, ...]


def address_of(step: Step, inputs: Mapping[str, str], parameters: Parameters, code: str, occasion: str = "") -> str:
    """The name of an output's folder; inputs are given by their digests, an occasion where it is not to be reused."""
    depends_on = [step.name, dict(inputs), needed_by(step.parameters, parameters), code, occasion]
    digest = hashlib.sha256(orjson.dumps(depends_on, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return f"{step.name}-{digest[:20]}"


def make_folder(folder: Path) -> None:
    """Make the folder of an output, where parts can be put."""
    (folder / PARTS).mkdir(parents=True, exist_ok=True)


def put_record(folder: Path, part: DonePart) -> None:
    """Say what a part is, before its file gets its name."""
    with whole_file(_record(folder, part.file)) as file:
        file.write(orjson.dumps(asdict(part)))


def done_part(folder: Path, part: Part) -> DonePart | None:
    """What is known of a part; None unless its file is there, as long as it was made."""
    try:
        known = DonePart(**orjson.loads(_record(folder, part.file).read_bytes()))
        return known if (folder / part.file).stat().st_size == known.bytes else None
    except (OSError, ValueError, TypeError):
        return None


def finish(folder: Path, step: Step, parts: tuple[DonePart, ...]) -> FinishedOutput:
    """Say that an output is whole."""
    ordered = tuple(sorted(parts, key=lambda part: part.file))
    seconds = round(sum(part.seconds for part in ordered), 3)
    output = FinishedOutput(step.name, sum(part.rows for part in ordered), seconds, _digest(ordered), ordered)
    with whole_file(folder / FINISHED) as file:
        file.write(orjson.dumps(asdict(output), option=orjson.OPT_INDENT_2))
    return output


def finished_output(folder: Path) -> FinishedOutput | None:
    """What is known of an output; None unless it is whole, and none of its files was removed or cut."""
    try:
        known = orjson.loads((folder / FINISHED).read_bytes())
        output = FinishedOutput(**known | {"files": tuple(DonePart(**part) for part in known["files"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    sizes = [(folder / part.file, part.bytes) for part in output.files]
    return output if all(path.is_file() and path.stat().st_size == size for path, size in sizes) else None


def raw_digest(folder: Path) -> str:
    """The digest of the files of raw orders that somebody brought, hidden ones not counted."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith((".", "_"))]
    if not files:
        raise RawOrdersMissing(folder)
    with ThreadPoolExecutor(2) as threads:  # reading and hashing let the interpreter go
        found = list(zip(files, threads.map(sha256_of, files), strict=True))
    lines = [f"{path.relative_to(folder)} {sha256}\n" for path, sha256 in found]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record(folder: Path, file: str) -> Path:
    return folder / PARTS / f"{file}.json"


def _digest(parts: tuple[DonePart, ...]) -> str:
    return hashlib.sha256("".join(f"{part.file} {part.sha256}\n" for part in parts).encode()).hexdigest()
