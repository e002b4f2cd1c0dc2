"""Tasks that workers of a Dask cluster do for a run: sent when they are ready, their results put in place here."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from venvstacks.distribution.dask_library import load_dask
from venvstacks.distribution.orders import Answer, Order, carry_out, end_run
from venvstacks.distribution.travelling_inputs import SentInputs
from venvstacks.distribution.worker_offers import Offer, refusals
from venvstacks.engine.journal import Journal
from venvstacks.errors import BuildError, InterruptedRunError, UsageError
from venvstacks.graph.schedule import FIRST_ESTIMATES, bottom_levels
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.loading.project import Project
from venvstacks.planning.requests import Request, RequestedRun
from venvstacks.sharing.action_key import SHARED_KINDS
from venvstacks.sharing.action_result import ActionResult
from venvstacks.sharing.shared_results import SharedResults
from venvstacks.tools.files import write_atomically
from venvstacks.urls import without_logins

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10
WORKERS_SECONDS = 10.0
"""How long a run waits for a first worker."""

LOST_SECONDS = 30.0
"""How long a run waits for a scheduler or for workers that are gone."""

_WATCH_SECONDS = 1.0
_ATTEMPTS = 10
"""How often a task is sent, where its worker was ended or its scheduler was started again."""


def check_request(project: Project, request: Request) -> None:
    """Refuse what workers cannot do.

    Raises:
        UsageError: It is asked for.
    """
    if request.operations == ("lock",):
        raise UsageError("locks are made on this machine", hint="leave out --on")
    if "publish" not in request.operations or "export" in request.operations:
        raise UsageError(
            "workers make archives; environments are made on the machine that uses them",
            hint="add --publish, or leave out --on",
        )
    if request.delta_from:
        raise UsageError(
            "deltas are made where environments are", hint="publish with --on, then again with --delta-from"
        )
    if project.remote_cache is None:
        raise UsageError(
            "inputs and results of tasks travel through a store that this machine and all workers reach",
            hint="name it with --remote-cache",
        )


@contextlib.contextmanager
def connected(
    project: Project, requested: RequestedRun, shared: SharedResults, journal: Journal
) -> Iterator[RemoteTasks]:
    """The workers of a scheduler, for one run.

    Raises:
        UsageError: A task cannot be done by another machine, or no worker fits.
        BuildError: No scheduler answers.
    """
    _check_tasks(requested, shared)
    host = project.configuration.host
    assert host is not None  # noqa: S101 - tasks that are no locks are compiled for a platform alone
    offer = Offer.of(host, project.configuration.tools, load_dask())
    address = project.options.on or ""
    with _client(address) as client, contextlib.ExitStack() as closing:
        cluster = Cluster(client, address, offer)
        slots, remarks = cluster.await_workers()
        levels = bottom_levels(requested.graph, lambda name: FIRST_ESTIMATES[requested.graph.by_name[name].kind])
        sent = SentInputs(project, shared.store, shared.folder)
        remote = RemoteTasks(project, requested.forced, levels, shared, journal, sent, cluster, slots, remarks)
        closing.callback(cluster.close)
        yield remote


def _check_tasks(requested: RequestedRun, shared: SharedResults) -> None:
    for node in requested.graph.nodes:
        if node.kind in SHARED_KINDS and not shared.can_travel(node):
            raise UsageError(
                f"{node.name} cannot be done by another machine",
                hint="workers need Pythons of the provider standalone or archive, and sources at relative paths",
            )


@contextlib.contextmanager
def _client(address: str) -> Iterator[Client]:
    from distributed import Client  # noqa: PLC0415 - an extra

    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:  # TimeoutError is an OSError
        raise BuildError(
            f"no Dask scheduler answers at {without_logins(address)} ({str(error).partition(chr(10))[0]})",
            hint="start one with `dask scheduler`, and name it as tcp://HOST:8786",
        ) from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            client.close(timeout=2)


class Cluster:
    """A scheduler with its workers, as one run uses them; from several threads.

    Args:
        client: The connection.
        address: Of the scheduler.
        offer: What workers have to offer.
    """

    def __init__(self, client: Client, address: str, offer: Offer) -> None:
        self.run = secrets.token_hex(8)
        self._client = client
        self._address = without_logins(address)
        self._offer = offer
        self._stopped = threading.Event()
        self._closed = threading.Event()
        self._ending: list[threading.Thread] = []
        self._futures: set[Future[Answer]] = set()
        self._trouble = ""
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def await_workers(self) -> tuple[int, tuple[str, ...]]:
        """How many tasks fitting workers do at a time, and remarks about others; waits for a first one.

        Raises:
            UsageError: There is none.
        """
        deadline = time.monotonic() + WORKERS_SECONDS
        while True:
            workers = self._workers()
            slots = sum(int(resources.get(self._offer.resource, 0)) for resources in workers.values())
            refused = refusals(self._offer, workers)
            if slots or refused or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        lines = tuple(f"worker {name} is not used: it {why}" for name, why in sorted(refused.items()))
        if not slots:
            raise UsageError(
                f"no worker of {self._address} can do the tasks of this run",
                details=lines,
                hint=f"start `venvstacks worker {self._address}` from the same release on {self._offer.platform}, "
                f"with {self._offer}",
            )
        self._watching.start()
        return slots, lines

    def _workers(self) -> dict[str, Mapping[str, float]]:
        """The resources of all workers, by name."""
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        return {str(worker["name"]): worker["resources"] for worker in found.values()}

    def ask(self, order: Order, priority: float) -> Answer:
        """Have an order carried out by one of the workers; by another one if that is lost.

        Raises:
            BuildError: Workers, or the scheduler, are gone.
            InterruptedRunError: The run was stopped.
        """
        from distributed import KilledWorker  # noqa: PLC0415 - an extra

        for attempt in range(_ATTEMPTS):
            future = self._client.submit(
                carry_out,
                order,
                key=f"{order.task}-{order.run}-{attempt}",
                pure=False,
                resources={self._offer.resource: 1},
                priority=round(priority),
            )
            self._futures.add(future)
            try:
                self._await(future)
                answer = future.result(timeout=LOST_SECONDS)
                if not answer.interrupted:
                    return answer
            except CancelledError:  # by Dask's client, too, when the scheduler is gone
                self._await_scheduler()
            except KilledWorker as error:
                raise BuildError(
                    f"{error.allowed_failures + 1} workers died one after another while they did {order.task}",
                    hint="see why: memory is a common reason; then run the same command again",
                ) from error
            finally:
                self._futures.discard(future)
                future.release()
        raise BuildError(f"{order.task} was begun {_ATTEMPTS} times on workers of {self._address} that were ended")

    def _await(self, future: Future[Answer]) -> None:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        while not done.wait(0.5):
            self._check()
        self._check_stopped()

    def _check(self) -> None:
        self._check_stopped()
        if self._trouble:
            raise BuildError(
                self._trouble,
                hint="start what is missing and run the same command again; finished tasks are kept",
            )

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise InterruptedRunError

    def _await_scheduler(self) -> None:
        """Wait until Dask's client has found the scheduler again."""
        while self._client.status != "running":
            self._check()
            time.sleep(0.2)
        self._check()

    def _watch(self) -> None:
        """Note when nothing more can be expected; waiting threads report it."""
        fine = time.monotonic()
        while not self._closed.wait(_WATCH_SECONDS):
            with contextlib.suppress(Exception):  # whatever fails, the time without workers goes on
                if self._client.status == "running" and any(
                    self._offer.resource in resources for resources in self._workers().values()
                ):
                    fine = time.monotonic()
                    continue
            if self._client.status == "closed":
                self._trouble = f"the scheduler at {self._address} is gone"
            elif time.monotonic() - fine > LOST_SECONDS:
                self._trouble = f"no worker of {self._address} is left that can do the tasks of this run"

    def stop(self) -> None:
        """End what workers do for this run; may be called from a signal handler."""
        self._stopped.set()
        ending = threading.Thread(target=self._end, daemon=True)
        self._ending.append(ending)
        ending.start()

    def _end(self) -> None:
        with contextlib.suppress(Exception):  # the scheduler may be gone, too
            self._client.run(end_run, self.run, on_error="ignore", wait=False)
            self._client.cancel(list(self._futures), force=True)

    def close(self) -> None:
        """Stop watching; what still runs, because an exception has ended the run, is ended."""
        self._closed.set()
        if self._futures:
            self.stop()
        for ending in self._ending:
            ending.join(timeout=5)


@dataclass
class RemoteTasks:
    """Does tasks of one run on workers; used by several threads.

    Attributes:
        project: The project.
        forced: Names of tasks that are done although their results may be known.
        levels: Priority of each task.
        shared: The results that are shared.
        journal: The event log.
        inputs: The inputs on their way.
        cluster: The workers.
        slots: How many tasks the workers did at a time when the run began.
        remarks: Remarks for users about workers that are not used.
    """

    project: Project
    forced: frozenset[str]
    levels: Mapping[str, float]
    shared: SharedResults
    journal: Journal
    inputs: SentInputs
    cluster: Cluster
    slots: int
    remarks: tuple[str, ...] = ()
    _store: str | None = field(init=False)

    def __post_init__(self) -> None:
        """Work out what all orders have in common."""
        remote = self.project.remote_cache
        assert remote is not None  # noqa: S101 - `check_request`
        self._store = _store_for_workers(remote.url, self.project)

    def perform(self, node: TaskNode, digest: Callable[[str], str | None]) -> Mapping[str, object] | None:
        """Have a task done by a worker, and put its result in place; None if it is to be done here.

        Raises:
            VenvstacksError: It failed, or the result cannot be had.
        """
        if node.kind not in SHARED_KINDS:
            return None
        inputs = self.inputs.key(self.project.stack.by_env_name[node.env_name])
        base = str(self.project.base)
        order = Order(self.cluster.run, base, node.name, inputs, node.name in self.forced, self._store)
        answer = self.cluster.ask(order, self.levels.get(node.name, 0.0))
        self._keep(node, answer)
        if answer.failure is not None:
            raise answer.failure.as_error()
        result = ActionResult.model_validate_json(answer.result) if answer.result else None
        values = self.shared.accept(node, digest, result) if result else None
        if values is None:
            raise BuildError(
                f"worker {answer.worker} has done {node.name}, but its result cannot be had from the remote cache",
                details=(*answer.trouble, *self.shared.store.trouble),
                hint="worker and run have to use one store, and the worker has to be allowed to write to it",
            )
        return {**values, "seconds": round(answer.seconds, 3), "worker": answer.worker}

    def stop(self) -> None:
        """End what workers do for this run."""
        self.cluster.stop()

    def _keep(self, node: TaskNode, answer: Answer) -> None:
        """Keep the log of a task and the facts about its processes, as if it had been done here."""
        if answer.log:
            log = self.project.base / self.project.configuration.layout.log(node.name)
            with contextlib.suppress(OSError):
                write_atomically(log, answer.log)
        for event in answer.events:
            facts: dict[str, Any] = {**event, "worker": answer.worker}
            self.journal.write("process ended", node.name, **facts)


def _store_for_workers(url: str, project: Project) -> str | None:
    """The URL of a store as workers may use it: without a login, which is theirs to have; folders absolute."""
    scheme = urlsplit(url).scheme
    if len(scheme) > 1:
        return url if without_logins(url) == url else None
    return str(project.base / url)
