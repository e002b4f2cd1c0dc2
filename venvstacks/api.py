"""The Python API: load a specification, plan, run. Everything here is stable; other rooms may change.

from venvstacks import load_project, plan, run
project = load_project("venvstacks.toml")
report = run(project, Request(("build", "publish")))
"""

from __future__ import annotations

import atexit
import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from venvstacks.actions.deployed import deployed_name
from venvstacks.actions.perform import Orders, Workshop
from venvstacks.actions.start import become_application
from venvstacks.engine.events import Listener, Outcome, Silence, idle_outcomes
from venvstacks.engine.folderlock import folder_lock
from venvstacks.engine.journal import keep_journal
from venvstacks.engine.look import look_at
from venvstacks.engine.paths import Paths
from venvstacks.errors import BuildError, ExitCode, StateError, UsageError, VenvstacksError
from venvstacks.forecast import Plan
from venvstacks.graph.schedule import CriticalPath, critical_path
from venvstacks.graph.selection import Selection
from venvstacks.jobs import Job, Request, work_out, workshop_for
from venvstacks.loading import Options, Project, load_project
from venvstacks.locking.changes import LockChanges
from venvstacks.model.stack import Layer
from venvstacks.planning import PlannedTask, make_plan, spared_tasks
from venvstacks.reasons import Reason
from venvstacks.records.published import read_metadata
from venvstacks.records.store import TaskStore

__all__ = [
    "Options", "Project", "Report", "Request", "Selection", "doit_config", "doit_tasks", "load_project",
    "lock_staleness", "plan", "preview_locks", "run",
]  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What became of a request.

    Attributes:
        outcomes: One per task, in the graph's order.
        cut_off: Tasks that were up to date although something before them ran: it came out the same.
        critical_path: The longest chain of the tasks that ran.
        events: The event log of the run, or None where no task ran.
    """

    outcomes: tuple[Outcome, ...]
    cut_off: tuple[str, ...] = ()
    critical_path: CriticalPath = field(default_factory=CriticalPath)
    events: Path | None = None

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Tasks that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    @property
    def lock_changes(self) -> dict[str, LockChanges]:
        """Environment names of the layers whose locks changed, to what changed."""
        told = {o.name: o.values.get("changes") for o in self.outcomes if o.values and o.name.startswith("lock:")}
        return {name.partition(":")[2]: LockChanges.from_json(data) for name, data in told.items() if data}

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
        The tasks in the graph's order, with what they come to.

    Raises:
        UsageError: The request makes no sense for this stack.
        StateError: The task state cannot be read.
    """
    job = work_out(project, request)
    tasks, _ = _predict(project, job, workshop_for(project, job.orders), _check(project, request, job))
    return Plan(job.graph, tasks, project.jobs, _archive_sizes(project, tasks))


def _archive_sizes(project: Project, planned: Sequence[PlannedTask]) -> dict[str, int]:
    """Bytes of the archives that are published at present, for tasks that may replace them."""
    sizes = {}
    for task in planned:
        if task.name.startswith("archive:") and task.status in {"run", "maybe"}:
            (place,) = project.graph.by_name[task.name].outputs
            metadata = read_metadata(project.base / place)
            if metadata is not None and metadata.archive_size is not None:
                sizes[task.name] = metadata.archive_size
    return sizes


def preview_locks(project: Project, request: Request) -> dict[str, LockChanges]:
    """What locking would change, found out by locking into a folder that is thrown away.

    Returns:
        Environment name to changes, for every layer that the request reaches, in the order of the stack.

    Raises:
        UsageError: The request makes no sense for this stack.
        LockError: Some layer cannot be locked.
    """
    from venvstacks.actions.draft_locks import draft_locks  # noqa: PLC0415 - only this needs it

    job = work_out(project, request)
    with tempfile.TemporaryDirectory(prefix="venvstacks-") as drafts:
        workshop = workshop_for(project, replace(job.orders, drafts=Path(drafts)))
        return draft_locks(workshop, job.graph, project.jobs)


def _check(project: Project, request: Request, job: Job) -> Mapping[str, tuple[Reason, ...]]:
    """What is wrong with the environments that the job would build, by task, if the request asks for that."""
    platform = project.configuration.platform
    if not request.check_environments or platform is None:
        return {}
    from venvstacks.actions.checking import check_environments, reasons_by_task  # noqa: PLC0415 - rarely asked for

    layers = [project.stack.by_env_name[node.env_name] for node in job.graph.nodes if node.kind == "build"]
    try:
        found = check_environments(layers, platform, project.configuration.layout, project.base, project.jobs)
    except OSError as error:
        raise BuildError(
            f"the environments cannot be checked: {error}",
            hint="check the permissions of the build folder; a layer whose environment is removed is built again",
        ) from error
    return reasons_by_task(found)


def _predict(
    project: Project, job: Job, workshop: Workshop, found: Mapping[str, tuple[Reason, ...]]
) -> tuple[tuple[PlannedTask, ...], frozenset[str]]:
    """What would become of each task, and the tasks whose environments may stay away."""
    paths = Paths(project.base, project.base)
    with TaskStore(project.base / project.configuration.layout.task_state, writable=False) as store:
        look = replace(look_at(store, paths, workshop.describe_staleness), found=found, refuses=workshop.refuses)
        spared = spared_tasks(job.graph, look, job.forced, job.wanted)
        return make_plan(job.graph, look, job.forced, spared), spared


def run(project: Project, request: Request, listener: Listener | None = None) -> Report:
    """Bring everything that the request names up to date.

    Raises:
        UsageError: The request makes no sense for this stack.
        StateError: The task state cannot be used.
        InterruptedRunError: A signal ended the run.
    """
    listener = listener or Silence()
    job = work_out(project, request)
    workshop = workshop_for(project, job.orders)
    with contextlib.suppress(StateError):  # what a plan cannot read, a run may be able to repair
        planned, _ = _predict(project, job, workshop, _check(project, request, job))
        if idle := idle_outcomes(planned, listener):
            return Report(idle)

    from venvstacks.engine.assembly import make_services  # noqa: PLC0415 - doit is only loaded when something may run
    from venvstacks.engine.runner import run_graph  # noqa: PLC0415

    lock = folder_lock(project, listener.waiting)
    journal = keep_journal(project, workshop, "venvstacks")
    lock.acquire()
    try:
        # again: another run may have been at work until now
        found = _check(project, request, job)
        planned, spared = _predict(project, job, workshop, found)
        outcomes = run_graph(
            job.graph,
            make_services(project, workshop, lock, forced=job.forced, found=found, spared=spared, journal=journal),
            state=str(project.base / project.configuration.layout.task_state),
            listener=listener,
            jobs=project.jobs,
            keep_going=request.keep_going,
            on_interrupt=workshop.tools.processes.stop,
        )
    finally:
        workshop.tools.digests.keep()
        journal.close()
        lock.release()
    return Report(outcomes, _cut_off(planned, outcomes), _slowest(job, outcomes), journal.path)


def _cut_off(planned: Sequence[PlannedTask], outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    possible = {task.name for task in planned if task.status == "maybe"}
    return tuple(outcome.name for outcome in outcomes if outcome.status == "up to date" and outcome.name in possible)


def _slowest(job: Job, outcomes: Sequence[Outcome]) -> CriticalPath:
    return critical_path(job.graph, {outcome.name: outcome.seconds for outcome in outcomes if outcome.seconds})


def lock_staleness(project: Project) -> dict[str, tuple[Reason, ...]]:
    """Why each layer's lock is not valid; empty for valid ones. Disabled layers are not in it."""
    workshop = workshop_for(project, Orders())
    locks = [node for node in project.graph.nodes if node.kind == "lock"]
    return {node.env_name: workshop.describe_staleness(node) for node in locks}


def deployed_names(project: Project) -> dict[str, str]:
    """The deployed name of each layer whose lock says what it is."""
    names = {}
    for layer in project.stack.layers:
        with contextlib.suppress(VenvstacksError):
            names[layer.env_name] = deployed_name(layer, project.configuration.layout, project.base)
    return names


def find_application(project: Project, name: str) -> Layer:
    """The application of that layer or environment name, if it is made for this machine.

    Raises:
        UsageError: There is none.
    """
    applications = [layer for layer in project.stack.layers if layer.kind == "application"]
    for layer in applications:
        if name in {layer.name, layer.env_name}:
            if project.configuration.platform in layer.platforms:
                return layer
            told = ", ".join(target.name for target in layer.platforms) or "no platform at all"
            raise UsageError(f"application '{layer.name}' is not made for this machine", hint=f"it is for {told}")
    known = ", ".join(layer.name for layer in applications) or "none"
    raise UsageError(f"there is no application '{name}'", hint=f"applications: {known}")


def start_application(project: Project, layer: Layer, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by an application in its build environment, which must be up to date.

    Raises:
        LinkError: The environment is not what it should be.
    """
    platform, environment = project.configuration.platform, project.configuration.layout.environment(layer)
    assert platform is not None  # noqa: S101 - find_application has seen to it
    become_application(layer, platform, project.base / environment, arguments, project.environment)


def doit_config(path: Path | str, options: Options | None = None) -> dict[str, Any]:
    """`DOIT_CONFIG` for a `dodo.py` that shares its state with the `venvstacks` command.

    Raises:
        doit's InvalidDodoFile: The specification is wrong; says everything that is.
    """
    from venvstacks.engine.dodo import configuration, reporting_faults  # noqa: PLC0415

    with reporting_faults():
        project = load_project(path, options)
    return configuration(Paths(project.base, Path.cwd()), project.configuration.layout.task_state, project.jobs)


def doit_tasks(path: Path | str, options: Options | None = None) -> Iterator[dict[str, Any]]:
    """Yield all tasks of a stack, for a task creator in a `dodo.py`.

    In full:

        def task_stack():
            yield from doit_tasks("venvstacks.toml")

    Raises:
        doit's InvalidDodoFile: The specification is wrong; says everything that is.
    """
    from venvstacks.engine.assembly import make_services  # noqa: PLC0415
    from venvstacks.engine.dodo import reporting_faults, task_dictionaries, tell_waiting  # noqa: PLC0415

    with reporting_faults():
        project = load_project(path, options)
    orders = Orders(use_index=project.options.use_index, local_wheel_folders=project.local_wheel_folders)
    workshop = workshop_for(project, orders)
    atexit.register(workshop.tools.processes.stop)  # an interrupted doit ends, but knows nothing of our children
    lock = folder_lock(project, tell_waiting, shared=True)
    journal = keep_journal(project, workshop, "doit")
    atexit.register(journal.close)
    atexit.register(workshop.tools.digests.keep)
    services = make_services(project, workshop, lock, journal=journal, clean=workshop.leavings)
    yield from task_dictionaries(project.graph, services)
