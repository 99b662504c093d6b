"""Which code makes the outputs: a digest of its sources, so that outputs of other code are never taken for its own."""

import hashlib
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from fraud_detection_api import __version__
from fraud_detection_api.pipeline.step import Step
from fraud_detection_api.run_errors import UnknownStep

KNOWN_STEPS = "fraud_detection_api.pipeline.known:STEPS"
_PACKAGE = Path(__file__).parents[1]
_MAKING = ("features", "model", "pipeline", "samples", "schemas", "storage", "training", "use_cases")
_SUFFIXES = (".py", ".c", ".h")


@lru_cache
def steps_of(name: str) -> tuple[Step, ...]:
    """The steps that an import string names."""
    module, _, attribute = name.partition(":")
    steps: tuple[Step, ...] = getattr(import_module(module), attribute)
    return steps


def step_named(name: str, steps: tuple[Step, ...]) -> Step:
    """The step of that name."""
    for step in steps:
        if step.name == name:
            return step
    raise UnknownStep(name, [step.name for step in steps])


@lru_cache
def code_version(steps: str) -> str:
    """The digest of our sources, and of the modules of the steps where those are a team's own."""
    digest = hashlib.sha256(__version__.encode())
    for name, path in sorted({*_our_sources(), *_step_sources(steps)}):
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _our_sources() -> Iterator[tuple[str, Path]]:
    for folder in _MAKING:
        for path in (_PACKAGE / folder).rglob("*"):
            if path.suffix in _SUFFIXES:
                yield str(path.relative_to(_PACKAGE)), path


def _step_sources(steps: str) -> Iterator[tuple[str, Path]]:
    modules = {steps.partition(":")[0], *(step.do.__module__ for step in steps_of(steps))}
    for name in modules:
        file = sys.modules[name].__file__
        if file is not None:
            yield name, Path(file)
