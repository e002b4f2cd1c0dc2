"""Kill the pipeline at random moments and see whether the next run comes to the same end: one command.

    python -m benchmarks.crash_safety --kills 300
    python -m benchmarks.crash_safety --kills 0 --live 500

Each trial begins with an unlocked stack of handmade wheels, kills the run at a moment drawn evenly from the time that
an undisturbed one takes, starts the next run at once, and compares what that leaves behind with what an undisturbed
one did: locks, archives and exports byte for byte, every path in the folder (so that rubbish is found), and that no
task is done twice. Half of the kills take the child processes along, half leave them running. Every tenth trial has
caches of its own, so that kills also meet the preparation of runtimes and uv's first unpacking.

With `--live`, a stack is published again and again by processes that get signals (half of them SIGKILL, else SIGTERM
or SIGINT), while two readers take everything from the output folder all the time, one of them through a web server:
each file has to be there and to be what the manifest says, and all layers have to be of one state. Two others deploy
the stack from there and start its application.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.folder_server import serving_folder
from tests.support.killed_runs import Remains, faults_after_a_kill, make_unlocked_pond, run_pipeline
from tests.support.live_publishing import LAYOUT, again_and_again, deploying, publish, publish_and_kill, reading
from tests.support.sample_stack import Pond
from venvstacks.deployment.steps.publication_source import FolderSource, Source, WebSource
from venvstacks.tools.files import remove_abandoned
from venvstacks.tools.transfer import Downloads

_FRESH_CACHES = 10


@dataclass
class Tally:
    """How the trials went.

    Attributes:
        wanted: So many kills are asked for.
        killed: Runs that were killed.
        too_late: Runs that were over before they could be.
        wrong: What was wrong, by trial.
    """

    wanted: int
    killed: int = 0
    too_late: int = 0
    wrong: dict[int, list[str]] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def add(self, trial: int, faults: list[str] | None) -> None:
        """Count one trial."""
        with self.guard:
            if faults is None:
                self.too_late += 1
                return
            self.killed += 1
            if faults:
                self.wrong[trial] = faults
                print(f"trial {trial}:", *faults, sep="\n  ", flush=True)
            if self.killed % 25 == 0:
                print(f"{self.killed} kills, {len(self.wrong)} of them with faults", flush=True)


def _try(trial: int, seed: int, pond: Pond, reference: tuple[Remains, float], tally: Tally) -> None:
    draw = random.Random(f"{seed} {trial}")  # noqa: S311 - moments, not secrets
    undisturbed, seconds = reference
    place = pond.base.parent / f"trial-{trial}"
    copy = pond.copy(place)
    if trial % _FRESH_CACHES == 0:
        copy = Pond(place, place.with_name(f"cache-{trial}"), place.with_name(f"uv-{trial}"))
    moment, children_too = draw.uniform(0, seconds), draw.random() < 0.5
    faults = faults_after_a_kill(copy, undisturbed, moment, children_too=children_too)
    tally.add(trial, faults and [f"killed after {moment:.2f} s, children too: {children_too}", *faults])
    if not faults:
        for folder in (place, place.with_name(f"cache-{trial}"), place.with_name(f"uv-{trial}")):
            shutil.rmtree(folder, ignore_errors=True)


def _publish_live(signals: int, seed: int, folder: Path) -> list[str]:
    """Publish, send signals and read; what readers met that they must not meet."""
    draw = random.Random(f"{seed} live")  # noqa: S311 - moments, not secrets
    publish(folder, 0)
    artifacts = folder / LAYOUT.artifacts
    sent, state = 0, 0
    with serving_folder(artifacts) as web, Downloads({}) as downloads:
        sources: tuple[Source, ...] = (FolderSource(artifacts), WebSource(web.url, downloads))
        places = deploying(web.url, folder / "web"), deploying(str(artifacts), folder / "folder")
        with again_and_again(*map(reading, sources)) as readings, again_and_again(*places) as deploys:
            while sent < signals:
                sent += publish_and_kill(folder, state + 10, draw, seconds=1.5, first=state + 1)
                state += 10
                done = f"{readings.count} readings, {deploys.count} deploys"
                faults = [*readings.faults, *deploys.faults]
                print(f"{sent} signals, {state} states, {done}, {len(faults)} faults", flush=True)
    remove_abandoned(artifacts)  # as each run does before its first task
    left = sorted(path.name for path in artifacts.glob(".*"))
    print(f"{sent} signals to {state} publications; {done}, {len(faults)} of them wrong; left over: {left}")
    return faults


def main() -> int:
    """Run the trials; 1 if anything was wrong, and then what was wrong is left to be looked at."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crash_safety", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300, help="runs to kill (default: 300)")
    parser.add_argument("--workers", type=int, default=2, help="trials at the same time (default: 2)")
    parser.add_argument("--seed", type=int, default=1, help="for the moments (default: 1)")
    parser.add_argument("--live", type=int, default=0, help="signals to publishing processes (default: none)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="venvstacks-crashes-"))
    if options.live and (faults := _publish_live(options.live, options.seed, folder / "live")):
        print(*faults, sep="\n")
        return 1
    return _kill_pipelines(options, folder) if options.kills else 0


def _kill_pipelines(options: argparse.Namespace, folder: Path) -> int:
    """Kill runs of the whole pipeline; 1 if anything was wrong."""
    pond = make_unlocked_pond(folder / "stack", folder / "cache")
    run_pipeline(pond.copy(folder / "first"))  # fills the caches
    began = time.perf_counter()
    whole = pond.copy(folder / "undisturbed")
    run_pipeline(whole)
    reference = Remains.of(whole.base), time.perf_counter() - began
    print(f"an undisturbed run takes {reference[1]:.1f} s", flush=True)
    tally = Tally(options.kills)

    def work(worker: int) -> None:
        trial = worker
        while tally.killed < tally.wanted:
            trial += options.workers
            _try(trial, options.seed, pond, reference, tally)

    with ThreadPoolExecutor(options.workers) as pool:
        list(pool.map(work, range(options.workers)))
    print(f"{tally.killed} kills in {time.perf_counter() - began:.0f} s; {tally.too_late} runs were over before")
    print(f"{len(tally.wrong)} of the kills had faults" + (f": see {folder}" if tally.wrong else ""))
    if not tally.wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return bool(tally.wrong)


if __name__ == "__main__":
    sys.exit(main())
