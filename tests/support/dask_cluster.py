"""A Dask scheduler and workers of venvstacks, as processes on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.waiting import wait_until

_SCHEDULER = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard"]

_RUNS = "*/projects/*/inner/project/_build/.venvstacks/runs/*.jsonl"  # Pythons are archives above the projects


@dataclass
class Worker:
    """A worker's process."""

    name: str
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def said(self) -> str:
        return (self.folder / "output").read_text("utf-8")

    @property
    def events(self) -> list[tuple[str, str]]:
        """What its logs say about tasks: event and task."""
        logs = sorted(self.folder.glob(_RUNS))
        lines = (
            json.loads(line)
            for log in logs
            for line in log.read_text("utf-8").splitlines(keepends=True)
            if line[-1] == "\n"
        )
        return [(line["event"], line["task"]) for line in lines if "task" in line]

    @property
    def tasks(self) -> set[str]:
        """Tasks that have begun in this worker and have not ended."""
        found: set[str] = set()
        for event, task in self.events:
            if event == "task began":
                found.add(task)
            elif event == "task ended":
                found.discard(task)
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class DaskCluster:
    """A scheduler, and workers.

    Attributes:
        folder: Where they keep what they have.
        one_machine: Whether workers share caches, as those of one machine do; others have caches of their own.
        address: Of the scheduler.
    """

    folder: Path
    one_machine: bool = False
    address: str = ""
    port: int = 0
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[Worker] = field(default_factory=list)

    def start_scheduler(self) -> None:
        """Start a scheduler; a second time, at the same address."""
        place = self.folder / "scheduler.json"
        place.unlink(missing_ok=True)
        command = [*_SCHEDULER, "--port", str(self.port), "--scheduler-file", str(place)]
        with (self.folder / "scheduler.log").open("ab") as log:
            self.scheduler = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(place.exists)
        wait_until(lambda: place.read_text("utf-8").endswith("}"))
        self.address = json.loads(place.read_text("utf-8"))["address"]
        self.port = int(self.address.rpartition(":")[2])

    def start_workers(self, *names: str) -> None:
        """Start workers, and wait until they are connected."""
        for worker in [self._start_worker(name) for name in names]:
            wait_until(lambda worker=worker: "offers" in worker.said or worker.process.poll() is not None)  # type: ignore[misc]
            assert worker.process.poll() is None, worker.said

    def _start_worker(self, name: str) -> Worker:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        caches = self.folder if self.one_machine else folder
        environment = {**os.environ, "UV_CACHE_DIR": str(caches / "uv")}
        command = [sys.executable, "-m", "venvstacks", "worker", self.address, "--name", name, "--jobs", "1"]
        command += ["--folder", str(folder), "--cache", str(caches / "cache")]
        with (folder / "output").open("wb") as stream:
            process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream, start_new_session=True)
        worker = Worker(name, process, folder)
        self.workers.append(worker)
        return worker

    def start_stranger(self, name: str, resource: str) -> subprocess.Popen[bytes]:
        """Start a worker of Dask alone, which offers something."""
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--no-nanny", "--no-dashboard"]
        command += ["--nthreads", "1", "--name", name, "--resources", f"{resource}=1"]
        command += ["--local-directory", str(self.folder)]
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def working(self, task: str) -> Worker:
        """The worker that does a task; waits until there is one."""
        found: list[Worker] = []
        wait_until(lambda: found.extend(worker for worker in self.workers if task in worker.tasks) or found)  # type: ignore[func-returns-value]
        return found[0]

    @property
    def connected(self) -> int:
        """How often workers have connected to a scheduler."""
        return sum(worker.said.count(" offers ") for worker in self.workers)

    def begun(self, task: str) -> int:
        """How often workers have begun a task."""
        return sum(worker.events.count(("task began", task)) for worker in self.workers)


@contextmanager
def dask_cluster(folder: Path, *, one_machine: bool = False) -> Iterator[DaskCluster]:
    """A scheduler without workers."""
    cluster = DaskCluster(folder, one_machine)
    cluster.start_scheduler()
    try:
        yield cluster
    finally:
        for process in [*(worker.process for worker in cluster.workers), cluster.scheduler]:
            if process is not None:
                process.kill()
                process.wait()
