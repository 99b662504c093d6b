"""One step by itself, for a scheduler such as Airflow or Argo that does the steps in its own order."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from fraud_detection_api.pipeline.code_version import step_named, steps_of
from fraud_detection_api.pipeline.data_folder import DataFolder
from fraud_detection_api.pipeline.executing import executor_of
from fraud_detection_api.pipeline.outputs import finished_output
from fraud_detection_api.pipeline.parameters import RunParameters
from fraud_detection_api.pipeline.running import RunningOptions
from fraud_detection_api.pipeline.stepping import Chain, StepWork, progress_of
from fraud_detection_api.pipeline.thread_executor import ThreadExecutor
from fraud_detection_api.run_errors import StepNotReady
from fraud_detection_api.schemas.runs import StepRecord


def do_step(
    name: str,
    folder: DataFolder,
    options: RunningOptions,
    chain: Chain,
    on_progress: Callable[[StepRecord], None],
) -> Path:
    """Do a step from the finished outputs of those before it; the folder of its own."""
    work = ready_work(name, chain)
    with folder.alone() as lock:
        executor = ThreadExecutor(1) if work.step.is_central else executor_of(options.executing)
        with closing(executor):
            for record in progress_of(work, executor):
                lock.check()
                on_progress(record)
    return work.folder


def chain_of(folder: DataFolder, options: RunningOptions, parameters: RunParameters, raw: Path | None) -> Chain:
    """The steps with these parameters, from raw orders where there are some."""
    chain = Chain(options.steps, {**parameters.plain(), **options.shared}, folder.outputs, places=options.places)
    if raw is not None:
        chain.start_from(raw.absolute())
    return chain


def ready_work(name: str, chain: Chain) -> StepWork:
    """A step whose inputs are all finished; raises StepNotReady for the first that is not."""
    wanted = step_named(name, steps_of(chain.steps))
    needed = _needed_by(wanted.name, chain)
    for step in chain.left():
        if step.name not in needed:
            continue
        work = chain.work(step)
        output = finished_output(work.folder)
        if output is None:
            raise StepNotReady(wanted.name, step.name)
        chain.put(work, output.digest)
    return chain.work(wanted)


def _needed_by(name: str, chain: Chain) -> set[str]:
    """The steps that come before it, those before these among them."""
    by_name = {step.name: step for step in steps_of(chain.steps)}
    needed: set[str] = set()
    waiting = [*by_name[name].needs]
    while waiting:
        each = waiting.pop()
        if each not in needed:
            needed.add(each)
            waiting += by_name[each].needs
    return needed
