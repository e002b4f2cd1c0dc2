"""Running the tasks of a project that a request asks for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from venvstacks.actions.table import TaskActions
from venvstacks.api.predictions import faults_of_results, opened_results, own_tasks, predict, requested_run
from venvstacks.api.run_reports import Report
from venvstacks.engine.cancellation import Cancellation
from venvstacks.engine.outcomes import Listener, Outcome, Silence, idle_outcomes
from venvstacks.errors import StateError
from venvstacks.graph.schedule import CriticalPath, critical_path
from venvstacks.loading.project import Project
from venvstacks.planning.plan import PlannedTask
from venvstacks.planning.requests import Request, RequestedRun, task_actions
from venvstacks.reasons import Reason

if TYPE_CHECKING:
    from venvstacks.distribution.remote_tasks import RemoteTasks
    from venvstacks.engine.build_lock import FolderLock
    from venvstacks.engine.journal import Journal
    from venvstacks.sharing.shared_results import SharedResults


def run(
    project: Project,
    request: Request,
    listener: Listener | None = None,
    *,
    cancellation: Cancellation | None = None,
) -> Report:
    """Bring all tasks that the request names up to date.

    Failed tasks raise nothing: they are among the outcomes, with their errors.

    Args:
        project: The project.
        request: What to achieve.
        listener: Is informed while the run goes on; its methods must not take long.
        cancellation: Lets another thread end the run.

    Raises:
        UsageError: The request makes no sense for this stack.
        NotLockedError: A lock is missing or not valid, and the request is to use locks as they are.
        StateError: The task state cannot be used.
        InterruptedRunError: A signal or another thread ended the run.
    """
    cancellation = cancellation or Cancellation()
    listener = listener or Silence()
    requested = requested_run(project, request)
    if project.options.on:
        from venvstacks.distribution.remote_tasks import check_request  # noqa: PLC0415 - few runs use workers

        check_request(project, request)
    actions = task_actions(project, requested.options, listener.progress)
    with contextlib.suppress(StateError):  # what a plan cannot read, a run may be able to repair
        planned, _ = predict(project, requested, actions, faults_of_results(project, request, requested, actions))
        if idle := idle_outcomes(planned, listener):
            return Report(idle)
        _foretell(project, planned, listener)

    with (
        held_folder(project, actions, listener, cancellation) as (lock, journal),
        _older(project, request, requested, actions) as (requested, actions),
        opened_results(project, actions, cancellation) if project.remote_cache else _nothing_shared() as shared,
        _others(project, requested, shared, journal) as others,
    ):
        tasks = Tasks(project, request, actions, lock, journal, cancellation, shared, others)
        planned, outcomes = tasks.run(requested, listener)
    remarks = (*(shared.store.trouble if shared else ()), *(others.remarks if others else ()))
    return Report(outcomes, _unaffected(planned, outcomes), _slowest(requested, outcomes), journal.path, remarks)


@contextlib.contextmanager
def held_folder(
    project: Project, actions: TaskActions, listener: Listener, cancellation: Cancellation
) -> Iterator[tuple[FolderLock, Journal]]:
    """Hold the build folder of a project, and keep an event log of what is done there, until the block ends.

    Raises:
        InterruptedRunError: The wait for another run was cancelled.
        StateError: The folder cannot be used.
    """
    from venvstacks.engine.build_lock import folder_lock  # noqa: PLC0415 - only loaded when something may run
    from venvstacks.engine.journal import keep_journal  # noqa: PLC0415

    lock = folder_lock(project, listener.waiting, is_cancelled=lambda: cancellation.is_cancelled)
    journal = keep_journal(project, actions, "venvstacks")
    lock.acquire()
    try:
        yield lock, journal
    finally:
        actions.tools.digests.keep()
        journal.close()
        lock.release()


def _foretell(project: Project, planned: Sequence[PlannedTask], listener: Listener) -> None:
    """Say how long the tasks took the last time, and whether the disks have too little room for what they write."""
    from venvstacks.api.free_space import space_warnings  # noqa: PLC0415 - only where something may run

    active = [task for task in planned if task.status in {"run", "maybe"}]
    listener.foresee({task.name: task.seconds for task in active if task.seconds})
    for warning in space_warnings(project, [task.name for task in active if task.status == "run"]):
        listener.warn(warning)


def _nothing_shared() -> contextlib.AbstractContextManager[SharedResults | None]:
    return contextlib.nullcontext()


@contextlib.contextmanager
def _others(
    project: Project, requested: RequestedRun, shared: SharedResults | None, journal: Journal
) -> Iterator[RemoteTasks | None]:
    """The workers that do tasks of a run, if the user named their scheduler."""
    if project.options.on is None or shared is None:
        yield None
        return
    from venvstacks.distribution.remote_tasks import connected  # noqa: PLC0415 - few runs use workers

    with connected(project, requested, shared, journal) as others:
        yield others


@contextlib.contextmanager
def _older(
    project: Project, request: Request, requested: RequestedRun, actions: TaskActions
) -> Iterator[tuple[RequestedRun, TaskActions]]:
    """The run with the publications that deltas are made from, as they are before anything is published."""
    if not request.delta_from:
        yield requested, actions
        return
    from venvstacks.api.older_publications import older_publications  # noqa: PLC0415 - few runs make deltas

    with older_publications(project, request.delta_from, actions.tools) as older:
        options = replace(requested.options, older=older)
        yield replace(requested, options=options), replace(actions, options=options, make_tools=lambda: actions.tools)


@dataclass(frozen=True)
class Tasks:
    """Runs tasks of one run, in one go or, where locks are made, after rounds of locking."""

    project: Project
    request: Request
    actions: TaskActions
    lock: FolderLock
    journal: Journal
    cancellation: Cancellation
    shared: SharedResults | None
    others: RemoteTasks | None = None

    def run(self, requested: RequestedRun, listener: Listener) -> tuple[tuple[PlannedTask, ...], tuple[Outcome, ...]]:
        """Carry out everything; the plan is made again, because another run may have been at work until now."""
        found = faults_of_results(self.project, self.request, requested, self.actions)
        planned, unneeded = self._foresee(requested, self.actions, found)
        if not any(task.name.startswith("lock:") and task.status in {"run", "maybe"} for task in planned):
            return planned, self._carry_out(requested, listener, self.actions, found, unneeded)
        from venvstacks.api.adapting import OneRun, lock_first  # noqa: PLC0415 - few runs make locks

        heard = OneRun(listener, len(requested.graph.nodes))
        try:
            first = lock_first(self.project, self.request, requested, self._go, heard)
            heard.is_last = True
            later = self._go(first.rest, heard) if first.rest.graph.nodes else ()
        finally:
            heard.close()
        return planned, first.all_outcomes(requested.graph, later)

    def _foresee(
        self, this: RequestedRun, actions: TaskActions, found: Mapping[str, tuple[Reason, ...]]
    ) -> tuple[tuple[PlannedTask, ...], frozenset[str]]:
        """Predict, and fetch what is predicted to come from other machines: what cannot be had is predicted again."""
        while True:
            planned, unneeded = predict(self.project, this, actions, found, self.shared)
            if self.shared is None or self.shared.collect(planned):
                return planned, unneeded

    def _go(self, this: RequestedRun, listener: Listener) -> tuple[Outcome, ...]:
        actions = replace(self.actions, options=this.options, make_tools=lambda: self.actions.tools)
        found = faults_of_results(self.project, self.request, this, actions)
        _, unneeded = self._foresee(this, actions, found)
        return self._carry_out(this, listener, actions, found, unneeded)

    def _carry_out(
        self,
        this: RequestedRun,
        listener: Listener,
        actions: TaskActions,
        found: Mapping[str, tuple[Reason, ...]],
        unneeded: frozenset[str],
    ) -> tuple[Outcome, ...]:
        from venvstacks.engine.engine_run import make_engine_run  # noqa: PLC0415 - loads doit
        from venvstacks.engine.runner import run_graph  # noqa: PLC0415
        from venvstacks.graph.schedule import Pools  # noqa: PLC0415
        from venvstacks.sharing.action_key import SHARED_KINDS  # noqa: PLC0415

        shared = self.shared.doing(own_tasks(this, found), unneeded) if self.shared else None
        settings: dict[str, Any] = {"forced": this.forced, "found": found, "unneeded": unneeded, "shared": shared}
        others, jobs, pools = self.others, self.project.jobs, None
        if others and any(node.kind in SHARED_KINDS for node in this.graph.nodes):
            settings["others"] = others
            jobs, pools = others.slots, Pools({"network": jobs})

        def interrupt(signum: int) -> None:
            actions.tools.processes.stop(signum)
            if others:
                others.stop()

        return run_graph(
            this.graph,
            make_engine_run(self.project, actions, self.lock, journal=self.journal, **settings),
            state=str(self.project.base / self.project.configuration.layout.task_state),
            listener=listener,
            jobs=jobs,
            pools=pools,
            keep_going=self.request.keep_going,
            on_interrupt=interrupt,
            cancellation=self.cancellation,
        )


def _unaffected(planned: Sequence[PlannedTask], outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    possible = {task.name for task in planned if task.status == "maybe"}
    return tuple(outcome.name for outcome in outcomes if outcome.status == "up to date" and outcome.name in possible)


def _slowest(requested: RequestedRun, outcomes: Sequence[Outcome]) -> CriticalPath:
    return critical_path(requested.graph, {outcome.name: outcome.seconds for outcome in outcomes if outcome.seconds})
