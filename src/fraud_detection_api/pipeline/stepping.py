"""One step: which folder its output has, which of its parts are there, and the doing of all others."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fraud_detection_api.pipeline.code_version import code_version, steps_of
from fraud_detection_api.pipeline.executor import Executor
from fraud_detection_api.pipeline.outputs import (
    DonePart,
    FinishedOutput,
    address_of,
    done_part,
    finish,
    finished_output,
    make_folder,
    raw_digest,
)
from fraud_detection_api.pipeline.part_work import PartWork
from fraud_detection_api.pipeline.step import Parameters, Part, Step
from fraud_detection_api.schemas.runs import StepRecord, StepState
from fraud_detection_api.storage.arrow_memory import give_back


@dataclass(frozen=True)
class StepWork:
    """A step with its inputs and the folder of its output."""

    steps: str
    step: Step
    inputs: Mapping[str, Path]
    parameters: Parameters
    code: str
    folder: Path

    def of(self, part: Part) -> PartWork:
        """One part of it."""
        inputs = {name: str(place) for name, place in self.inputs.items()}
        folder = str(self.folder)
        return PartWork(self.steps, self.step.name, inputs, self.parameters, part.file, part.number, folder, self.code)


@dataclass
class Chain:
    """The steps of a run, and the outputs that are known so far."""

    steps: str
    parameters: Parameters
    outputs: Path  # the folder of all of them
    occasion: str = ""  # of central steps, which are done again on each: they reach outside
    places: Parameters = field(default_factory=dict, repr=False)  # outside, for central steps; kept nowhere
    _known: dict[str, tuple[Path, str]] = field(default_factory=dict)

    def start_from(self, raw: Path) -> None:
        """Let raw orders stand for what the first step would make."""
        self._known[steps_of(self.steps)[0].name] = raw, raw_digest(raw)

    def left(self) -> list[Step]:
        """The steps whose outputs are not known, in their order."""
        return [step for step in steps_of(self.steps) if step.name not in self._known]

    def work(self, step: Step) -> StepWork:
        """A step whose inputs are known."""
        code = code_version(self.steps)
        digests = {name: self._known[name][1] for name in step.needs}
        occasion = self.occasion if step.is_central else ""
        address = address_of(step, digests, self.parameters, code, occasion)
        inputs = {name: self._known[name][0] for name in step.needs}
        places = {**self.places, "data_folder": str(self.outputs.parent)}
        parameters = {**self.parameters, **places} if step.is_central else self.parameters
        return StepWork(self.steps, step, inputs, parameters, code, self.outputs / address)

    def put(self, work: StepWork, digest: str) -> None:
        """An output is there, for those that read it."""
        self._known[work.step.name] = work.folder, digest


def progress_of(work: StepWork, executor: Executor) -> Generator[StepRecord]:
    """Do what is left of a step: where it stands, every now and then, and at last that it is finished."""
    record = StepRecord(work.step.name, StepState.RUNNING, output=work.folder.name)
    if (there := finished_output(work.folder)) is not None:
        yield _finished(record, there, len(there.files))
        return
    make_folder(work.folder)
    parts = work.step.parts(work.inputs, work.parameters)
    done = [known for part in parts if (known := done_part(work.folder, part)) is not None]
    record = _counted(replace(record, of=len(parts), found=len(done)), done)
    yield record
    there_already = {part.file for part in done}
    for made in executor.run([work.of(part) for part in parts if part.file not in there_already]):
        if made is not None:
            done.append(made)
            record = _counted(record, done)
        yield record
    give_back()
    yield _finished(record, finish(work.folder, work.step, tuple(done)), record.found)


def _counted(record: StepRecord, done: list[DonePart]) -> StepRecord:
    rows, seconds = sum(part.rows for part in done), sum(part.seconds for part in done)
    return replace(record, done=len(done), rows=rows, seconds=round(seconds, 3))


def _finished(record: StepRecord, output: FinishedOutput, found: int) -> StepRecord:
    count = len(output.files)
    return replace(
        record,
        state=StepState.FINISHED,
        done=count,
        of=count,
        found=found,
        rows=output.rows,
        seconds=output.seconds,
        digest=output.digest,
    )
