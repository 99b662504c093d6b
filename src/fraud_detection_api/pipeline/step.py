"""A step of the pipeline: which outputs it reads, which of a run's parameters it depends on, and its parts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Scalar = str | int | float | bool | None
Parameters = Mapping[str, Scalar]  # of a run: plain values, no secrets; a journal keeps them
Inputs = Mapping[str, Path]  # the folders of the outputs that a step reads, by the names of the steps that made them


@dataclass(frozen=True)
class Part:
    """A piece of a step's work that is done whole or not at all: the file that it makes, and which one it is."""

    file: str
    number: int = 0


@dataclass(frozen=True)
class Step:
    """One step: the same inputs and parameters give the same bytes, in whichever process its parts are done."""

    name: str
    needs: tuple[str, ...]
    parameters: tuple[str, ...]  # the names of those that its outputs depend on, of what is shared among them
    parts: Callable[[Inputs, Parameters], Sequence[Part]]
    do: Callable[[Inputs, Parameters, Part, Path], int]  # writes the part's file to this path; how many rows it has
    is_central: bool = False  # done by the process that runs the pipeline: training, and what reaches the outside
