"""The process of a worker: connected to a scheduler for as long as it runs, and again when that was restarted.

Importing this module loads Dask.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dask
from distributed import Worker, WorkerPlugin
from filelock import FileLock, Timeout

from venvstacks.digests import sha256_json
from venvstacks.distribution.orders import PLUGIN, Answer, Order
from venvstacks.distribution.worker.carried_out import ProjectFolder, Workplace, carry_out
from venvstacks.distribution.worker_offers import Offer
from venvstacks.engine.cancellation import Cancellation
from venvstacks.errors import UsageError
from venvstacks.tools.files import make_folders
from venvstacks.tools.tree_removal import remove_what_can_be
from venvstacks.urls import without_logins

_KEPT = 4
"""Folders of this many projects are kept."""

_PAUSE_SECONDS = 1.0
_CONNECT_SECONDS = "5s"
"""How long Dask tries to connect before it begins anew: its pauses double, up to half of this."""


class TaskPlugin(WorkerPlugin):
    """Does tasks in the threads of a Dask worker.

    Args:
        workplace: What with.
        folder: The worker's folder, which it has for itself.
    """

    name = PLUGIN

    def __init__(self, workplace: Workplace, folder: Path) -> None:
        self._workplace = workplace
        self._folder = folder
        self._guard = threading.Lock()
        self._projects: dict[str, ProjectFolder] = {}
        self._cancellations: dict[str, set[Cancellation]] = {}

    def carry_out(self, order: Order) -> Answer:
        """Do the task of an order."""
        with self._cancellable(order.run) as cancellation:
            return carry_out(order, self._workplace, self._project(order), cancellation)

    @contextlib.contextmanager
    def _cancellable(self, run: str) -> Iterator[Cancellation]:
        cancellation = Cancellation()
        with self._guard:
            self._cancellations.setdefault(run, set()).add(cancellation)
        try:
            yield cancellation
        finally:
            with self._guard:
                self._cancellations[run].discard(cancellation)

    def _project(self, order: Order) -> ProjectFolder:
        """The folder of a project; those that were not used for longest are removed."""
        name = sha256_json(order.base)[:16]
        with self._guard:
            if name not in self._projects:
                place = self._folder / "projects" / name
                make_folders(place)
                self._projects[name] = ProjectFolder.at(place)
            self._projects[name] = known = self._projects.pop(name)
            known.folder.touch()
            if not any(self._cancellations[run] for run in self._cancellations.keys() - {order.run}):
                kept = sorted(known.folder.parent.iterdir(), key=lambda place: place.stat().st_mtime, reverse=True)
                for old in kept[_KEPT:]:
                    self._projects.pop(old.name, None)
                    remove_what_can_be(old)
            return known

    def end_run(self, run: str) -> None:
        """End the tasks of a run, with their processes."""
        with self._guard:
            running = tuple(self._cancellations.get(run, ()))
        for cancellation in running:
            cancellation.cancel()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's protocol
        """End all tasks: the worker ends, or has lost its scheduler."""
        for run in tuple(self._cancellations):
            self.end_run(run)


@dataclass(frozen=True)
class WorkerSettings:
    """How a worker is started.

    Attributes:
        scheduler: Address of the scheduler.
        offer: What the worker offers.
        folder: Folder below which it has one of its own.
        workplace: What it does tasks with.
        say: Called with sentences for people.
    """

    scheduler: str
    offer: Offer
    folder: Path
    workplace: Workplace
    say: Callable[[str], None] = field(default=lambda _: None)


def serve(settings: WorkerSettings) -> None:
    """Do tasks until a signal ends this process.

    Raises:
        UsageError: The folder cannot be written.
    """
    limits = {"distributed.comm.timeouts.connect": _CONNECT_SECONDS}
    with _own_folder(settings.folder) as folder, dask.config.set(limits):
        asyncio.run(_serve(settings, TaskPlugin(settings.workplace, folder), folder))


@contextlib.contextmanager
def _own_folder(parent: Path) -> Iterator[Path]:
    """The first folder below another one that no other worker has; it stays, so that the next worker begins with it."""
    number = 0
    while True:
        number += 1
        folder = parent / str(number)
        try:
            make_folders(folder)
            lock = FileLock(folder / "worker.lock")
            lock.acquire(timeout=0)
        except Timeout:
            continue
        except OSError as error:
            raise UsageError(
                f"the worker's folder {folder} cannot be written: {error.strerror or error}",
                hint="name another --folder",
            ) from error
        try:
            yield folder
        finally:
            lock.release()
        return


async def _serve(settings: WorkerSettings, plugin: TaskPlugin, folder: Path) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(signum, ended.set)
    waiting = False
    settings.say(f"connecting to the scheduler at {without_logins(settings.scheduler)}")
    while not ended.is_set():
        began = time.monotonic()
        worker = Worker(
            settings.scheduler,
            nthreads=1,
            name=settings.workplace.name,
            resources={settings.offer.resource: 1},
            memory_limit=0,  # tasks are processes and files; Dask would pause workers for the memory of others
            local_directory=str(folder / "dask"),
            dashboard=False,
            plugins=(plugin,),
        )
        until_end = asyncio.create_task(ended.wait())
        connected = asyncio.create_task(_connected(worker, settings))
        await asyncio.wait({until_end, connected}, return_when=asyncio.FIRST_COMPLETED)
        until_end.cancel()
        connected.cancel()
        with contextlib.suppress(Exception, asyncio.CancelledError):  # whatever it was, it is tried again
            await connected
        with contextlib.suppress(Exception):
            await worker.close(timeout=5)
        if not ended.is_set():
            if not waiting:
                settings.say(f"waiting for a scheduler at {without_logins(settings.scheduler)}")
            waiting = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), max(0.0, _PAUSE_SECONDS - (time.monotonic() - began)))


async def _connected(worker: Worker, settings: WorkerSettings) -> None:
    await worker
    settings.say(f"{settings.workplace.name} offers {settings.offer}")
    await worker.finished()
