"""How much of the machine others took while we measured: figures from a busy machine are to be read with care."""

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
    servers = [psutil.Process(pid).cpu_times() for pid in pids]
    own = sum(mine[:4]) + sum(times.user + times.system for times in servers)
    return Moment(capacity, busy, own)


def share_of_others(start: Moment, end: Moment) -> float:
    """The part of the machine's processors that was busy with neither us nor our servers."""
    others = (end.busy - start.busy) - (end.own - start.own)
    return max(0.0, others / (end.capacity - start.capacity))
