"""Kills at random moments: does every run go on, with the same bytes, and how soon?

Each round runs the pipeline twice with one seed: undisturbed, and in a service whose processes are killed (SIGKILL) at
random moments: the service itself, the process of the run, with Dask a worker, or the scheduler with its workers. Ends
with 1 where a part that was finished was made again, a digest differs, a run is stuck, or one went on later than 5 s
after the start of the service.

    python -m benchmarks.kills --kills 30 --dask local
    python -m benchmarks.kills --steps tests.pipeline.small_steps:STEPS --pause 0.7 -- --files 6 --partitions 4
"""

import argparse
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

from benchmarks.killed_pipeline import ENDED, FRAUD, KILLS, LONGEST_RUN, POLL_SECONDS, Parts, Place, kill_service, wait

LONGEST_RESUME = 5.0  # seconds after the start of the service, on a quiet machine


@dataclass
class Round:
    """What one round found."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    again: int = 0  # parts that were finished when something was killed, and made again
    resumed: list[float] = field(default_factory=list)  # seconds from a start of the service
    differing: list[str] = field(default_factory=list)
    state: str = ""
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept."""
        is_soon = max(self.resumed, default=0.0) <= LONGEST_RESUME
        return self.state == "finished" and not self.again and not self.differing and is_soon

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {name.removeprefix('kill_')}" for name, count in sorted(self.kills.items()))
        late = max(self.resumed, default=0.0)
        digests = "equal" if not self.differing else f"DIFFER: {', '.join(self.differing)}"
        outcome = f"{self.state} ({self.error})" if self.error else self.state
        words = f"{outcome}, killed: {kills or 'nothing'}; finished parts made again: {self.again}"
        return f"seed {self.seed}: {words}; went on within {late:.1f} s of a start; digests {digests}"


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
        kill = random.choice(KILLS[place.dask])
        found.kills[kill.__name__] += 1
        found.again += made_again(seen, place.finished_parts())
        kill(place)
        seen |= place.finished_parts()
        if kill is kill_service:
            began = time.monotonic()
            place.start_service()
            wait(lambda: place.run(name)[0] in (*ENDED, "running"), LONGEST_RUN)
            found.resumed.append(time.monotonic() - began)
    found.again += made_again(seen, place.finished_parts())
    found.state, steps = place.run(name)
    found.error = place.error(name)
    return {str(step["name"]): str(step["digest"]) for step in steps}


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
    _, steps = place.run(str(runs["runs"][0]["id"]))
    return {str(step["name"]): str(step["digest"]) for step in steps}


def one_round(options: argparse.Namespace, seed: int, most: int) -> Round:
    """A seed, run twice."""
    found = Round(seed)
    parameters = dict(zip(options.parameters[::2], map(float, options.parameters[1::2]), strict=True))
    body = {name.removeprefix("--").replace("-", "_"): as_number(value) for name, value in parameters.items()}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        digests = []
        for name in ("undisturbed", "disturbed"):
            place = Place(Path(folder) / name, options.steps, options.dask, options.seconds)
            place.root.mkdir()
            try:
                if name == "undisturbed":
                    digests.append(undisturbed(place, seed, options.parameters))
                else:
                    digests.append(disturbed(place, found, body, most, options.pause))
            finally:
                place.end()
                if options.keep_log:
                    shutil.copy(place.root / "log", options.keep_log)
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
    print(f"{kills.total()} kills in {len(rounds)} runs: {'all' if all(r.is_good for r in rounds) else 'NOT ALL'} kept")
    raise SystemExit(not all(each.is_good for each in rounds))


if __name__ == "__main__":
    main()
