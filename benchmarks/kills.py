"""Kills at random moments: does every run go on, with the same bytes, and how soon?

Each round runs the pipeline twice with one seed: undisturbed, and in a service whose processes are killed (SIGKILL) at
random moments: the service itself, the process of the run, with Dask a worker, or the scheduler with its workers. Ends
with 1 where a part that was finished was made again, a digest differs, a run is stuck, or one went on later than 5 s
after the start of the service. A verdict names the version of its model, which says when it was made: so of training
it is the model's own bytes, its threshold and its figures that have to be the same.

    FRAUD_HISTORIES=redis://127.0.0.1:6379/9 python -m benchmarks.kills --dask local --pause 4 -- \
        --files 20 --partitions 8 --most-training-rows 40000 --most-validation-rows 20000
    python -m benchmarks.kills --steps tests.pipeline.small_steps:STEPS --pause 0.7 -- --files 6 --partitions 4
"""

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.killed_pipeline import (
    ENDED,
    FRAUD,
    KILLS,
    LONGEST_RUN,
    POLL_SECONDS,
    Parts,
    Place,
    kill_run,
    kill_service,
    wait,
)
from fraud_detection_api.model.registry import Registry

LONGEST_RESUME = 5.0  # seconds after the start of the service, on a quiet machine


@dataclass
class Round:
    """What one round found."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)  # that were at work when something was killed
    again: int = 0  # parts that were finished when something was killed, and made again
    resumed: list[float] = field(default_factory=list)  # seconds from a start of the service
    restarted: list[float] = field(default_factory=list)  # seconds from the death of the run's process alone
    differing: list[str] = field(default_factory=list)
    state: str = ""
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept."""
        is_soon = max(self.resumed, default=0.0) <= LONGEST_RESUME
        return self.state == "finished" and not self.again and not self.differing and is_soon

    def __str__(self) -> str:
        digests = "equal" if not self.differing else f"DIFFER: {', '.join(self.differing)}"
        outcome = f"{self.state} ({self.error})" if self.error else self.state
        words = f"{outcome}, killed: {counted(self.kills)}; during: {counted(self.steps)}"
        resumed, restarted = (max(seconds, default=0.0) for seconds in (self.resumed, self.restarted))
        soon = f"went on within {resumed:.1f} s of a start, {restarted:.1f} s after its process alone died"
        load = f"load {os.getloadavg()[0]:.1f}"
        return f"seed {self.seed}: {words}; finished parts made again: {self.again}; {soon}; digests {digests}; {load}"


def counted(counts: Counter[str]) -> str:
    """How many of which."""
    found = [f"{count} {name.removeprefix('kill_')}" for name, count in sorted(counts.items())]
    return ", ".join(found) or "nothing"


def disturbed(place: Place, found: Round, parameters: dict[str, float], most: int, pause: float) -> dict[str, str]:
    """A run in the service, with at most so many kills; the digests of its steps."""
    place.start_cluster()
    place.start_service()
    answer = httpx.post(
        f"http://127.0.0.1:{place.port}/pipeline/make_sample_data", json=parameters | {"seed": found.seed}
    )
    name = answer.raise_for_status().json()["run"]
    seen: Parts = {}
    while place.run(name)[0] not in ENDED:
        if found.kills.total() >= most:
            time.sleep(POLL_SECONDS)
            continue
        time.sleep(random.uniform(0.1, 2 * pause))
        found.again += made_again(seen, place.finished_parts())
        kill_something(place, found, name)
        seen |= place.finished_parts()
    found.again += made_again(seen, place.finished_parts())
    found.state = place.run(name)[0]
    found.error = place.error(name)
    return digests_of(place, name)


def kill_something(place: Place, found: Round, name: str) -> None:
    """Kill one of its processes; where the run needs another one after that, how long that takes."""
    state, steps = place.run(name)
    if state in ENDED:
        return
    kill = random.choice(KILLS[place.dask])
    if not kill(place):  # a worker between two clusters, or the process of a run that is about to begin
        return
    began = time.monotonic()
    found.kills[kill.__name__] += 1
    found.steps[next((str(step["name"]) for step in steps if step["state"] != "finished"), "the first")] += 1
    if kill is kill_service:
        place.start_service()
        wait(lambda: place.is_at_work(name), LONGEST_RUN)
        found.resumed.append(time.monotonic() - began)
    elif kill is kill_run:
        found.restarted.append(wait(lambda: place.is_at_work(name), LONGEST_RUN))


def digests_of(place: Place, name: str) -> dict[str, str]:
    """What each step of a run has made."""
    found = {str(step["name"]): str(step["digest"]) for step in place.run(name)[1]}
    if found.get("train"):
        bundle = Registry(place.root / "models").bundle("orders", "champion")
        figures = f"{bundle.manifest.threshold} {bundle.manifest.metrics}"
        found["train"] = hashlib.sha256(bundle.model + figures.encode()).hexdigest()
    return found


def made_again(before: Parts, now: Parts) -> int:
    """Parts that are another file than they were."""
    return sum(now.get(part) != inode for part, inode in before.items())


def undisturbed(place: Place, seed: int, arguments: Sequence[str]) -> dict[str, str]:
    """The digests of a run that nobody kills."""
    command = [*FRAUD, "run", "--seed", str(seed), *arguments]
    subprocess.run(
        command, cwd=place.root, env=place.environment() | {"FRAUD_DASK": "none"}, check=True, stdout=subprocess.DEVNULL
    )
    place.start_service()
    runs = place.get("/pipeline/runs")
    assert runs is not None
    assert isinstance(runs["runs"], list)
    return digests_of(place, str(runs["runs"][0]["id"]))


def one_round(options: argparse.Namespace, seed: int, most: int) -> Round:
    """A seed, run twice, in the same place: what was loaded names it."""
    found = Round(seed)
    parameters = dict(zip(options.parameters[::2], map(float, options.parameters[1::2]), strict=True))
    body = {name.removeprefix("--").replace("-", "_"): as_number(value) for name, value in parameters.items()}
    digests = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for is_disturbed in (False, True):
            place = Place(Path(folder) / "place", options.steps, options.dask, options.seconds)
            place.root.mkdir()
            try:
                if is_disturbed:
                    digests.append(disturbed(place, found, body, most, options.pause))
                else:
                    digests.append(undisturbed(place, seed, options.parameters))
            finally:
                place.end()
                if options.keep_log:
                    shutil.copy(place.root / "log", options.keep_log)
            shutil.rmtree(place.root, ignore_errors=True)
        found.differing = [
            step for step, digest in digests[0].items() if step not in options.but and digests[1].get(step) != digest
        ]
    return found


def as_number(value: float) -> float:
    """A whole number as one."""
    return int(value) if value == int(value) else value


def main() -> None:
    """Rounds until there were enough kills."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--dask", choices=list(KILLS), default="local")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between two kills, on average")
    parser.add_argument("--steps", default="fraud_detection_api.pipeline.known:STEPS")
    parser.add_argument("--seconds", default="0.1", help="that a part of the tests' small steps takes")
    parser.add_argument("--but", nargs="*", default=[], help="steps whose bytes may differ")
    parser.add_argument("--keep-log", type=Path, help="where to put the last log")
    parser.add_argument("parameters", nargs="*", help="after --: options of `fraud pipeline run`")
    options = parser.parse_args()
    rounds: list[Round] = []
    while (killed := sum(each.kills.total() for each in rounds)) < options.kills:
        rounds.append(one_round(options, len(rounds), options.kills - killed))
        print(rounds[-1], flush=True)
    kills = sum((each.kills for each in rounds), Counter())
    kept = "all" if all(each.is_good for each in rounds) else "NOT ALL"
    print(f"{kills.total()} kills in {len(rounds)} runs ({counted(kills)}): {kept} kept")
    raise SystemExit(not all(each.is_good for each in rounds))


if __name__ == "__main__":
    main()
