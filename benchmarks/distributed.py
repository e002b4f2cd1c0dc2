"""Distributed runs: their time, what kills of workers cost, and a simulation of many workers.

    python -m benchmarks.distributed compare [--spec SPEC]    two workers against --jobs 2, taking turns; wall time, and
                                                              processor time of all processes
    python -m benchmarks.distributed kill --kills 50          workers are killed; the bytes have to be right
    python -m benchmarks.distributed distance --milliseconds 50   scheduler and store that far away (there and back)
    python -m benchmarks.distributed simulate                 64 workers, 500 layers, against the bound

Scheduler and workers are processes on loopback. Without `--spec`, the stack is that of the tests: a small Python, two
applications over a framework. `simulate` takes the seconds of tasks from what the engine expects of them, which are
those of the sample, each times a random factor; `--spec` takes those that were recorded there.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.dask_cluster import DaskCluster, dask_cluster
from tests.support.distant_servers import distant
from tests.support.shared_stores import nginx
from tests.support.sharing_machines import Machine, first_machine
from tests.support.specifications import RUNTIME, application, framework, stack_of
from venvstacks.graph.compiler import compile_stack
from venvstacks.graph.configuration import Configuration
from venvstacks.graph.schedule import FIRST_ESTIMATES, critical_path, expected_makespan
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.loading.project import load_project
from venvstacks.model.platforms import PLATFORMS
from venvstacks.records.task_store import TaskStore

_LEFT_OUT = shutil.ignore_patterns("_build", "_artifacts", "_export", ".*")
_KILLS = 3
"""How many workers are killed in one run at most."""

_WHEELS = ("--no-index", "--local-wheels", "wheels")


@contextmanager
def _stack(spec: Path | None) -> Iterator[tuple[Path, Machine]]:
    """A folder, and a machine with a locked stack that it has built."""
    with tempfile.TemporaryDirectory(prefix="venvstacks-distributed-") as name:
        folder = Path(name)
        if spec is None:
            yield folder, first_machine(folder)
            return
        shutil.copytree(spec.parent, folder / "first", ignore=_LEFT_OUT)
        yield folder, Machine(folder / "first", "")


@dataclass(frozen=True)
class _Took:
    """What a run took.

    Attributes:
        wall: Seconds.
        processors: Seconds of processors, those of workers and scheduler included.
    """

    wall: float
    processors: float


def _build(machine: Machine, spec: Path | None, cluster: DaskCluster, *options: str) -> _Took:
    """What a run took."""
    wheels = _WHEELS if spec is None else ()
    name = "venvstacks.toml" if spec is None else spec.name
    began, busy = time.perf_counter(), _processor_seconds(cluster)
    done = machine.command("build", name, "--publish", *wheels, *options)
    if done.returncode:
        raise SystemExit(done.stderr)
    return _Took(time.perf_counter() - began, _processor_seconds(cluster) - busy)


def _processor_seconds(cluster: DaskCluster) -> float:
    """Of the runs that have ended, and of the processes of a cluster with their children, until now."""
    import resource  # noqa: PLC0415 - there is none on Windows, where tests simulate

    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = own.ru_utime + own.ru_stime
    for process in (cluster.scheduler, *(worker.process for worker in cluster.workers)):
        if process is not None:
            fields = Path(f"/proc/{process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def _fresh(machine: Machine, place: Path, caches: Path) -> Machine:
    """Another checkout, whose runs find Pythons and wheels in caches that are filled."""
    variables = {"VENVSTACKS_CACHE": str(caches / "cache"), "UV_CACHE_DIR": str(caches / "uv")}
    made = machine.another(place, python=True) if machine.store else _copied(machine, place)
    made.variables.update(variables)
    return made


def _copied(machine: Machine, place: Path) -> Machine:
    shutil.copytree(machine.base, place / "checkout")
    return Machine(place / "checkout", "")


def compare(spec: Path | None, rounds: int) -> None:
    """Two workers with one thread each, and `--jobs 2`, each with filled caches and an empty store.

    The workers share caches, as workers of one machine do unless they are started with other folders.
    """
    with _stack(spec) as (folder, first), dask_cluster(_made(folder / "cluster"), one_machine=True) as cluster:
        cluster.start_workers("one", "two")
        alone, together = list[_Took](), list[_Took]()
        for number in range(rounds + 1):  # the first fills caches
            machine = _fresh(first, folder / f"alone{number}", folder)
            alone.append(_build(machine, spec, cluster, "--jobs", "2"))
            other = _fresh(first, folder / f"together{number}", folder)
            store = str(folder / f"store{number}")
            together.append(_build(other, spec, cluster, "--on", cluster.address, "--remote-cache", store))
            if machine.archives != other.archives:
                raise SystemExit("the archives differ")
            print(f"--jobs 2: {alone[-1]}; two workers: {together[-1]}; load {os.getloadavg()[0]:.0f}", flush=True)
        for what in ("wall", "processors"):
            apart, on = (statistics.median(getattr(took, what) for took in each[1:]) for each in (alone, together))
            print(f"{what}: medians of {rounds}: {apart:.2f} s and {on:.2f} s, {on / apart:.2f} times; equal archives")


def distance(milliseconds: int, rounds: int) -> None:
    """Two workers whose scheduler and store, a web server, are near, and as far away as given, taking turns."""
    with _stack(None) as (folder, first), contextlib.ExitStack() as closing:
        store = closing.enter_context(nginx(folder / "nginx"))
        port = int(store.rpartition(":")[2])
        cluster = closing.enter_context(dask_cluster(_made(folder / "cluster"), one_machine=True))
        near = cluster.address, f"http://127.0.0.1:{port}"
        way = milliseconds / 2000
        far = tuple(
            f"{scheme}://127.0.0.1:{closing.enter_context(distant(number, way))}"
            for scheme, number in (("tcp", cluster.port), ("http", port))
        )
        for name, (cluster.address, place) in {"near": near, "far": far}.items():
            cluster.start_workers(f"{name}-one", f"{name}-two")
            took = list[_Took]()
            for number in range(rounds + 1):  # the first fills caches
                machine = _fresh(first, folder / f"{name}{number}", folder)
                shutil.rmtree(folder / "nginx/root")
                _made(folder / "nginx/root")
                took.append(_build(machine, None, cluster, "--on", cluster.address, "--remote-cache", place))
                if machine.archives != first.archives:
                    raise SystemExit("the archives differ")
            print(f"{name}: {statistics.median(each.wall for each in took[1:]):.2f} s, median of {rounds}: {took[1:]}")
            for worker in cluster.workers:
                worker.kill()
            cluster.workers.clear()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def kill(kills: int, seed: int) -> None:
    """Kill workers at random moments, start others, and compare what runs end in."""
    dice = random.Random(seed)  # noqa: S311 - repeatable
    with _stack(None) as (folder, first), dask_cluster(_made(folder / "cluster")) as cluster:
        cluster.start_workers("w0", "w1")
        done = runs = failed = 0
        while done < kills:
            runs += 1
            machine = first.another(folder / f"run{runs}", folder / f"store{runs}", python=True)
            left = min(_KILLS, kills - done)
            for _ in range(_KILLS + 1):  # a run that fails is repeated
                code, killed = _run_with_kills(machine, cluster, dice, left)
                left, done, failed = left - killed, done + killed, failed + (code != 0)
                if code == 0:
                    break
            if code or machine.archives != first.archives:
                raise SystemExit(f"run {runs}: it has failed, or the archives differ")
            shutil.rmtree(machine.base.parent)
            print(f"{done} kills in {runs} runs, {failed} repeated; archives are equal", flush=True)


def _run_with_kills(machine: Machine, cluster: DaskCluster, dice: random.Random, most: int) -> tuple[int, int]:
    """Run, and kill workers meanwhile; the exit code, and how many were killed before the run ended."""
    options = (*_WHEELS, "--on", cluster.address, "--remote-cache", machine.store)
    run = machine.begin("build", "--publish", *options)
    killed = 0
    while killed < most:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(timeout=dice.uniform(1.0, 6.0))
            break
        killed += 1
        dice.choice(cluster.workers).kill()
        cluster.workers = [worker for worker in cluster.workers if worker.process.poll() is None]
        cluster.start_workers(f"{machine.base.parent.name}-{killed}-{dice.randrange(1 << 30)}")
    _, said = run.communicate(timeout=600)
    if run.returncode and "workers died one after another" not in said:
        raise SystemExit(said)
    return run.returncode, killed


def simulate(workers: int, layers: int, spec: Path | None) -> float:
    """The largest ratio of the makespan of the dispatcher's rule to the bound: no schedule is shorter than that."""
    graph, largest = _graph(layers), 0.0
    recorded = _recorded(spec) if spec else {kind: [seconds] for kind, seconds in FIRST_ESTIMATES.items()}
    for seed in range(3):
        dice = random.Random(seed)  # noqa: S311 - repeatable
        seconds = {
            node.name: dice.choice(recorded.get(node.kind) or [0.0]) * (1 if spec else dice.lognormvariate(0, 0.7))
            for node in graph.nodes
            if node.kind not in {"lock", "export"}
        }
        longest = critical_path(graph, seconds).seconds
        bound = max(longest, sum(seconds.values()) / workers)
        began = time.perf_counter()
        makespan = expected_makespan(graph, seconds, workers)
        largest = max(largest, makespan / bound)
        print(
            f"{len(seconds)} tasks, {workers} workers: {makespan:.1f} s, bound {bound:.1f} s (critical path "
            f"{longest:.1f} s): {makespan / bound:.3f} times; computed in {time.perf_counter() - began:.3f} s"
        )
    return largest


def _graph(layers: int) -> TaskGraph:
    """One runtime, half frameworks of which every fourth stands on the one before, half applications."""
    frameworks = [f"f{number}" for number in range((layers - 1) // 2)]
    text = RUNTIME + "".join(framework(name) for name in frameworks)
    for number in range(layers - 1 - len(frameworks)):
        text += application(f"a{number}", frameworks[number % len(frameworks)])
    return compile_stack(stack_of(text), Configuration(PLATFORMS["linux_x86_64"]))


def _recorded(spec: Path) -> dict[str, list[float]]:
    """Seconds of the tasks of a project's last runs, by kind."""
    project, found = load_project(spec), dict[str, list[float]]()
    with TaskStore(project.base / project.configuration.layout.task_state, writable=False) as store:
        for node in project.graph.nodes:
            record = store.record(node.name)
            if record and record.seconds:
                found.setdefault(node.kind, []).append(record.seconds)
    return found


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["compare", "kill", "distance", "simulate"])
    parser.add_argument("--spec", type=Path, help="a locked stack")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--milliseconds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--layers", type=int, default=500)
    chosen = parser.parse_args()
    spec = chosen.spec and chosen.spec.absolute()
    if chosen.what == "compare":
        compare(spec, chosen.rounds)
    elif chosen.what == "kill":
        kill(chosen.kills, chosen.seed)
    elif chosen.what == "distance":
        distance(chosen.milliseconds, chosen.rounds)
    else:
        simulate(chosen.workers, chosen.layers, spec)


if __name__ == "__main__":
    main()
