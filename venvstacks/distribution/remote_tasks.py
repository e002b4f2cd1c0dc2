"""Tasks that workers of a Dask cluster do for a run: sent when they are ready, their results put in place here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from venvstacks.distribution.cluster import Cluster, connected_client
from venvstacks.distribution.dask_library import load_dask
from venvstacks.distribution.orders import Answer, Order
from venvstacks.distribution.placement import Placement
from venvstacks.distribution.travelling_inputs import SentInputs
from venvstacks.distribution.worker_offers import Offer
from venvstacks.engine.journal import Journal
from venvstacks.errors import BuildError, UsageError
from venvstacks.graph.schedule import FIRST_ESTIMATES, bottom_levels
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.loading.project import Project
from venvstacks.planning.requests import Request, RequestedRun
from venvstacks.sharing.action_key import SHARED_KINDS
from venvstacks.sharing.action_result import ActionResult
from venvstacks.sharing.shared_results import SharedResults
from venvstacks.tools.files import write_atomically
from venvstacks.urls import without_logins


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
    with connected_client(address) as client, contextlib.ExitStack() as closing:
        cluster = Cluster(client, address, offer, Placement(requested.graph))
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

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take note of how long tasks are expected to take."""
        self.cluster.placement.expect(seconds)

    def choose(self, ready: Mapping[str, float]) -> str:
        """Which of several tasks is to begin next: see `Placement`."""
        return self.cluster.placement.choose(ready)

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
