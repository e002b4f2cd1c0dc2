"""The Python API: load a specification, plan, run. Everything here is stable; other rooms may change.

from venvstacks import load_project, plan, run
project = load_project("venvstacks.toml")
report = run(project, Request(("build", "publish")))
"""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from venvstacks.actions.deployed import deployed_name
from venvstacks.actions.lock import LockPolicy
from venvstacks.actions.perform import Orders, Workshop
from venvstacks.actions.start import become_application
from venvstacks.actions.tools import Tools
from venvstacks.engine.events import Listener, Outcome, Silence, idle_outcomes
from venvstacks.engine.folderlock import FolderLock
from venvstacks.engine.look import look_at
from venvstacks.engine.paths import Paths
from venvstacks.errors import ExitCode, StateError, UsageError, VenvstacksError
from venvstacks.graph.selection import Operation, Selection, goals, held_tasks, renewed_locks, select_layers
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.loading import Options, Project, load_project
from venvstacks.model.stack import Layer
from venvstacks.planning import PlannedTask, make_plan
from venvstacks.reasons import Reason
from venvstacks.records.store import TaskStore

__all__ = [
    "Options", "Project", "Report", "Request", "Selection", "doit_config", "doit_tasks", "load_project",
    "lock_staleness", "plan", "run",
]  # fmt: skip

_MOST_THREADS = 8  # for one task: each costs a compressor memory, and several tasks run at once


@dataclass(frozen=True)
class Request:
    """What is to be achieved.

    Attributes:
        operations: Any of `lock`, `build`, `publish`, `export`.
        selection: For which layers.
        renew_locks: Whether locks of the selected layers are resolved anew even if they are valid.
        lock_policy: What becomes of locks that are not valid: made anew, or an error unless they are missing.
        clean: Whether to start from nothing: no earlier pins, no earlier environments.
        force: Whether archives and exports are written even if they are current.
        keep_going: Whether to go on with what does not depend on a failed task.
    """

    operations: tuple[Operation, ...]
    selection: Selection = field(default_factory=Selection)
    renew_locks: bool = False
    lock_policy: LockPolicy = "if-needed"
    clean: bool = False
    force: bool = False
    keep_going: bool = False


@dataclass(frozen=True)
class Report:
    """What became of a request.

    Attributes:
        outcomes: One per task, in the graph's order.
    """

    outcomes: tuple[Outcome, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Tasks that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    @property
    def exit_code(self) -> ExitCode:
        """0, the failed tasks' common exit code, or `MIXED`."""
        codes = {_exit_code(outcome.error) for outcome in self.failures}
        if len(codes) > 1:
            return ExitCode.MIXED
        return codes.pop() if codes else ExitCode.DONE


def _exit_code(error: BaseException | None) -> ExitCode:
    return error.exit_code if isinstance(error, VenvstacksError) else ExitCode.MIXED


@dataclass(frozen=True)
class _Job:
    """A request, worked out: which tasks, and which of them run in any case."""

    graph: TaskGraph
    forced: frozenset[str]
    orders: Orders


def _work_out(project: Project, request: Request) -> _Job:
    stack, selection = project.stack, request.selection
    selected = select_layers(stack, selection)
    if project.configuration.platform is None and set(request.operations) != {"lock"}:
        raise UsageError(
            "this machine is none of the platforms that layers can be built for",
            hint="locking works everywhere; build on one of the target platforms",
        )
    wanted = goals(project.graph, stack, request.operations, selection)
    graph = project.graph.closure(wanted)
    held = held_tasks(stack, request.operations, selection) & graph.by_name.keys()
    renewed = renewed_locks(stack, selection, if_needed=not request.renew_locks)
    forced = set(renewed) if "lock" in request.operations or selection.reset_lock else set()
    if request.clean and "build" in request.operations:
        forced |= {f"{kind}:{name}" for name in selected.build for kind in ("build", "link")}
    if request.force:
        forced |= {f"archive:{name}" for name in selected.publish if "publish" in request.operations}
        forced |= {f"export:{name}" for name in selected.export if "export" in request.operations}
    orders = Orders(
        lock_policy=request.lock_policy,
        renewed_locks=frozenset(renewed & forced),
        reset_locks=frozenset(selected.reset),
        clean=request.clean,
        use_index=project.options.use_index,
        local_wheel_folders=project.local_wheel_folders,
        force_archives=request.force,
    )
    return _Job(graph.without(held), frozenset(forced) & graph.by_name.keys(), orders)


def _workshop(project: Project, orders: Orders) -> Workshop:
    tools = Tools(environment=project.environment, cache=project.cache, threads=min(project.jobs, _MOST_THREADS))
    return Workshop(project.stack, project.configuration, project.base, orders, tools)


def plan(project: Project, request: Request) -> tuple[PlannedTask, ...]:
    """What `run` would do now, and why; nothing is written and no process is started.

    Raises:
        UsageError: The request makes no sense for this stack.
        StateError: The task state cannot be read.
    """
    job = _work_out(project, request)
    return _predict(project, job, _workshop(project, job.orders))


def _predict(project: Project, job: _Job, workshop: Workshop) -> tuple[PlannedTask, ...]:
    paths = Paths(project.base, project.base)
    with TaskStore(project.base / project.configuration.layout.task_state, writable=False) as store:
        look = look_at(store, paths, workshop.describe_staleness)
        return make_plan(job.graph, look, job.forced)


def run(project: Project, request: Request, listener: Listener | None = None) -> Report:
    """Bring everything that the request names up to date.

    Raises:
        UsageError: The request makes no sense for this stack.
        StateError: The task state cannot be used.
        InterruptedRunError: A signal ended the run.
    """
    listener = listener or Silence()
    job = _work_out(project, request)
    workshop = _workshop(project, job.orders)
    with contextlib.suppress(StateError):  # what a plan cannot read, a run may be able to repair
        if idle := idle_outcomes(_predict(project, job, workshop), listener):
            return Report(idle)

    from venvstacks.engine.runner import run_graph  # noqa: PLC0415 - doit is only loaded when something may run
    from venvstacks.engine.tasks import Services  # noqa: PLC0415

    lock = FolderLock(_lock_file(project), listener.waiting, on_held=lambda: _clear(project))
    services = Services(
        workshop.perform, workshop.describe_staleness, Paths(project.base, Path.cwd()), lock, job.forced
    )
    lock.acquire()
    try:
        outcomes = run_graph(
            job.graph,
            services,
            state=str(project.base / project.configuration.layout.task_state),
            listener=listener,
            jobs=project.jobs,
            keep_going=request.keep_going,
            on_interrupt=workshop.tools.processes.stop,
        )
    finally:
        lock.release()
    return Report(outcomes)


def _lock_file(project: Project) -> Path:
    return project.base / project.configuration.layout.state / "run.lock"


def _clear(project: Project) -> None:
    from venvstacks.actions.leftovers import clear_leftovers  # noqa: PLC0415 - only where something may run

    clear_leftovers(project.stack, project.configuration, project.graph, project.base)


def lock_staleness(project: Project) -> dict[str, tuple[Reason, ...]]:
    """Why each layer's lock is not valid; empty for valid ones. Disabled layers are not in it."""
    workshop = _workshop(project, Orders())
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
    from venvstacks.engine.dodo import reporting_faults, task_dictionaries, tell_waiting  # noqa: PLC0415
    from venvstacks.engine.tasks import Services  # noqa: PLC0415

    with reporting_faults():
        project = load_project(path, options)
    orders = Orders(use_index=project.options.use_index, local_wheel_folders=project.local_wheel_folders)
    workshop = _workshop(project, orders)
    atexit.register(workshop.tools.processes.stop)  # an interrupted doit ends, but knows nothing of our children
    lock = FolderLock(_lock_file(project), tell_waiting, shared=True, on_held=lambda: _clear(project))
    services = Services(workshop.perform, workshop.describe_staleness, Paths(project.base, Path.cwd()), lock)
    yield from task_dictionaries(project.graph, services)
