"""Planning and running the tasks of a project that a request asks for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks.actions.table import TaskActions
from venvstacks.engine.cancellation import Cancellation
from venvstacks.engine.outcomes import Listener, Outcome, Silence, idle_outcomes
from venvstacks.engine.paths import Paths
from venvstacks.engine.state_view import view_state
from venvstacks.errors import BuildError, ExitCode, StateError, VenvstacksError
from venvstacks.graph.schedule import CriticalPath, critical_path
from venvstacks.loading.project import Project
from venvstacks.planning.plan import PlannedTask, make_plan, unneeded_environments
from venvstacks.planning.requests import Request, RequestedRun, task_actions, work_out
from venvstacks.reasons import Reason
from venvstacks.records.task_store import TaskStore
from venvstacks.tools.files import staging_folder

if TYPE_CHECKING:
    from venvstacks.distribution.remote_tasks import RemoteTasks
    from venvstacks.engine.build_lock import FolderLock
    from venvstacks.engine.journal import Journal
    from venvstacks.locking.lock_changes import LockChanges
    from venvstacks.planning.forecast import Plan
    from venvstacks.sharing.shared_results import SharedResults


@dataclass(frozen=True)
class Report:
    """How a run ended.

    Attributes:
        outcomes: One per task, in the graph's order.
        unaffected: Tasks that stayed up to date although a task before them ran: its result was the same as before.
        critical_path: The longest chain of the tasks that ran: no number of processors makes the run shorter.
        events: The event log of the run, or None where no task ran.
        remarks: Remarks for users about the run as a whole, e.g. that the remote cache was left alone.
    """

    outcomes: tuple[Outcome, ...]
    unaffected: tuple[str, ...] = ()
    critical_path: CriticalPath = field(default_factory=CriticalPath)
    events: Path | None = None
    remarks: tuple[str, ...] = ()

    @property
    def cut_off(self) -> tuple[str, ...]:
        """The name of `unaffected` in earlier releases."""
        return self.unaffected

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Tasks that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    @property
    def lock_changes(self) -> dict[str, LockChanges]:
        """Environment names of the layers whose locks changed, to what changed."""
        ran = {o.name: o.values.get("changes") for o in self.outcomes if o.values and o.name.startswith("lock:")}
        changed = {name: data for name, data in ran.items() if data}
        if not changed:
            return {}
        from venvstacks.locking.lock_changes import LockChanges  # noqa: PLC0415 - few runs change locks

        return {name.partition(":")[2]: LockChanges.from_json(data) for name, data in changed.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for users about results, e.g. about entries of earlier locks that could not be read."""
        notes = (note for outcome in self.outcomes for note in (outcome.values or {}).get("notes", ()))
        return (*notes, *self.remarks)

    @property
    def cached_bytes(self) -> dict[str, int]:
        """Tasks whose results came from the remote cache, to the bytes that were fetched."""
        return {o.name: o.values["cached_bytes"] for o in self.outcomes if o.values and "cached_bytes" in o.values}

    @property
    def exit_code(self) -> ExitCode:
        """0, the failed tasks' common exit code, or `MIXED`."""
        codes = {_exit_code(outcome.error) for outcome in self.failures}
        if len(codes) > 1:
            return ExitCode.MIXED
        return codes.pop() if codes else ExitCode.DONE


def _exit_code(error: BaseException | None) -> ExitCode:
    return error.exit_code if isinstance(error, VenvstacksError) else ExitCode.MIXED


def plan(project: Project, request: Request) -> Plan:
    """What `run` would do now, and why; nothing is written and no process is started.

    Returns:
        The tasks in the graph's order, with totals.

    Raises:
        UsageError: The request makes no sense for this stack.
        NotLockedError: A lock is missing or not valid, and the request is to use locks as they are.
        StateError: The task state cannot be read.
    """
    from venvstacks.planning.forecast import Plan  # noqa: PLC0415 - runs need none

    requested = _work_out(project, request)
    actions = task_actions(project, requested.options)
    found = _check(project, request, requested, actions)
    tasks, _ = _predict(project, requested, actions, found)
    remarks: tuple[str, ...] = ()
    if project.remote_cache and any(task.status in {"run", "maybe"} for task in tasks):
        with opened_results(project, actions) as shared:
            tasks, _ = _predict(project, requested, actions, found, shared)
        remarks = tuple(shared.store.trouble)
    return Plan(requested.graph, tasks, project.jobs, _archive_sizes(project, tasks), remarks)


def _work_out(project: Project, request: Request) -> RequestedRun:
    requested = work_out(project, request)
    if request.locked:
        from venvstacks.api.lock_state import require_locks  # noqa: PLC0415 - for some runs

        require_locks(project, requested)
    return requested


def _archive_sizes(project: Project, planned: Sequence[PlannedTask]) -> dict[str, int]:
    """Bytes of the archives that are currently published, for tasks that may replace them."""
    from venvstacks.records.published_metadata import read_metadata  # noqa: PLC0415 - only plans need it

    sizes = {}
    for task in planned:
        if task.name.startswith("archive:") and task.status in {"run", "maybe"}:
            (place,) = project.graph.by_name[task.name].outputs
            metadata = read_metadata(project.base / place)
            if metadata is not None and metadata.archive_size is not None:
                sizes[task.name] = metadata.archive_size
    return sizes


def _check(
    project: Project, request: Request, requested: RequestedRun, actions: TaskActions
) -> Mapping[str, tuple[Reason, ...]]:
    """Faults of results by task: lost ones, and changed environments if these are to be checked."""
    lost = actions.lost_results(requested.graph.nodes)
    platform = project.configuration.platform
    if not request.check_environments or platform is None:
        return lost
    from venvstacks.actions.building.changed_environments import check_environments, reasons_by_task  # noqa: PLC0415 - rarely asked for

    layers = [project.stack.by_env_name[node.env_name] for node in requested.graph.nodes if node.kind == "build"]
    try:
        found = check_environments(layers, platform, project.configuration.layout, project.base, project.jobs)
    except OSError as error:
        raise BuildError(
            f"the environments cannot be checked: {error}",
            hint="check the permissions of the build folder; a layer whose environment is removed is built again",
        ) from error
    return lost | reasons_by_task(found)


def _predict(
    project: Project,
    requested: RequestedRun,
    actions: TaskActions,
    found: Mapping[str, tuple[Reason, ...]],
    shared: SharedResults | None = None,
) -> tuple[tuple[PlannedTask, ...], frozenset[str]]:
    """Which tasks would run, and the tasks whose environments may be missing."""
    paths = Paths(project.base, project.base)
    with TaskStore(project.base / project.configuration.layout.task_state, writable=False) as store:
        state = replace(view_state(store, paths, actions.describe_staleness), found=found, refuses=actions.refuses)
        if shared is not None:
            state = replace(state, cached=shared.doing(_own(requested, found)).find)
        if project.options.on:  # tasks work in the environments of workers
            unneeded = frozenset(node.name for node in requested.graph.nodes if node.trees)
        else:
            unneeded = unneeded_environments(requested.graph, state, requested.forced, requested.wanted)
        return make_plan(requested.graph, state, requested.forced, unneeded), unneeded


def _own(requested: RequestedRun, found: Mapping[str, tuple[Reason, ...]]) -> frozenset[str]:
    """Names of tasks that are done on this machine in any case: environments that are asked for are checked here."""
    checks = {name for name in requested.wanted if name.startswith("check:")}
    return frozenset({*requested.forced, *found, *checks})


@contextlib.contextmanager
def opened_results(
    project: Project,
    actions: TaskActions,
    cancellation: Cancellation | None = None,
    sound: dict[str, bool] | None = None,
) -> Iterator[SharedResults]:
    """The results that a project shares, until the block ends.

    Args:
        project: The project.
        actions: Its actions.
        cancellation: Ends transfers; None for a plan, which fetches nothing.
        sound: What earlier runs know about environments; see `SharedResults`.

    Raises:
        UsageError: The store's URL makes no sense.
    """
    from venvstacks.sharing.careful_store import CarefulStore  # noqa: PLC0415 - few projects share results
    from venvstacks.sharing.result_stores import StoreAccess, open_store  # noqa: PLC0415
    from venvstacks.sharing.shared_results import SharedResults  # noqa: PLC0415

    remote = project.remote_cache
    assert remote is not None  # noqa: S101 - the caller's condition
    stop = threading.Event()

    def stopping() -> bool:
        return stop.is_set() or bool(cancellation and (cancellation.is_cancelled or actions.tools.processes.stopping))

    access = StoreAccess(remote.url, project.base, project.environment, stopping)
    staging = project.base / project.configuration.layout.staging
    with contextlib.ExitStack() as closing:
        push = remote.push or project.options.on is not None  # workers need the inputs
        store = CarefulStore(open_store(access), remote.url, secret=remote.secret, push=push)
        closing.callback(store.close)
        folder = closing.enter_context(staging_folder(staging, "shared")) if cancellation else staging
        yield SharedResults(actions, store, folder, stop, sound={} if sound is None else sound)


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
    requested = _work_out(project, request)
    if project.options.on:
        from venvstacks.distribution.remote_tasks import check_request  # noqa: PLC0415 - few runs use workers

        check_request(project, request)
    actions = task_actions(project, requested.options, listener.progress)
    with contextlib.suppress(StateError):  # what a plan cannot read, a run may be able to repair
        planned, _ = _predict(project, requested, actions, _check(project, request, requested, actions))
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
        found = _check(self.project, self.request, requested, self.actions)
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
            planned, unneeded = _predict(self.project, this, actions, found, self.shared)
            if self.shared is None or self.shared.collect(planned):
                return planned, unneeded

    def _go(self, this: RequestedRun, listener: Listener) -> tuple[Outcome, ...]:
        actions = replace(self.actions, options=this.options, make_tools=lambda: self.actions.tools)
        found = _check(self.project, self.request, this, actions)
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
        from venvstacks.engine.assembly import make_engine_run  # noqa: PLC0415 - loads doit
        from venvstacks.engine.runner import run_graph  # noqa: PLC0415
        from venvstacks.graph.schedule import Pools  # noqa: PLC0415
        from venvstacks.sharing.action_key import SHARED_KINDS  # noqa: PLC0415

        shared = self.shared.doing(_own(this, found), unneeded) if self.shared else None
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
