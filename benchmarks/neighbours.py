"""Processor times: a server's own, and what others took of the machine while we measured."""

import os
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Moment:
    """Processor seconds so far: of the whole machine, and of us and all that we started."""

    capacity: float
    busy: float
    own: float


def moment(pids: list[int]) -> Moment:
    """The processor times of now; pids are the servers that are still running."""
    machine, mine = psutil.cpu_times(), os.times()
    capacity = sum(machine) - machine.guest - machine.guest_nice
    busy = (
        machine.user + machine.nice + machine.system + machine.steal
    )  # interrupts are nobody's: loopback makes them too
    return Moment(capacity, busy, sum(mine[:4]) + sum(processor_seconds(pid) for pid in pids))


def processor_seconds(pid: int) -> float:
    """What a process has used of the processors so far."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def share_of_others(start: Moment, end: Moment) -> float:
    """The part of the machine's processors that was busy with neither us nor our servers."""
    others = (end.busy - start.busy) - (end.own - start.own)
    return max(0.0, others / (end.capacity - start.capacity))
