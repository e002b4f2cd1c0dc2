"""What a run of a project would do: plans for people, and predictions for runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from venvstacks.actions.table import TaskActions
from venvstacks.engine.cancellation import Cancellation
from venvstacks.engine.paths import Paths
from venvstacks.engine.state_view import view_state
from venvstacks.errors import BuildError
from venvstacks.loading.project import Project
from venvstacks.planning.plan import PlannedTask, make_plan, unneeded_environments
from venvstacks.planning.requests import Request, RequestedRun, task_actions, work_out
from venvstacks.reasons import Reason
from venvstacks.records.task_store import TaskStore
from venvstacks.tools.files import staging_folder

if TYPE_CHECKING:
    from venvstacks.planning.forecast import Plan
    from venvstacks.sharing.shared_results import SharedResults


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

    requested = requested_run(project, request)
    actions = task_actions(project, requested.options)
    found = faults_of_results(project, request, requested, actions)
    tasks, _ = predict(project, requested, actions, found)
    remarks: tuple[str, ...] = ()
    if project.remote_cache and any(task.status in {"run", "maybe"} for task in tasks):
        with opened_results(project, actions) as shared:
            tasks, _ = predict(project, requested, actions, found, shared)
        remarks = tuple(shared.store.trouble)
    return Plan(requested.graph, tasks, project.jobs, _archive_sizes(project, tasks), remarks)


def requested_run(project: Project, request: Request) -> RequestedRun:
    """What a request means for the stack.

    Raises:
        UsageError: It makes no sense for this stack.
        NotLockedError: A lock is missing or not valid, and the request is to use locks as they are.
    """
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


def faults_of_results(
    project: Project, request: Request, requested: RequestedRun, actions: TaskActions
) -> Mapping[str, tuple[Reason, ...]]:
    """Faults of results by task: lost ones, and changed environments if these are to be checked.

    Raises:
        BuildError: An environment cannot be read.
    """
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


def predict(
    project: Project,
    requested: RequestedRun,
    actions: TaskActions,
    found: Mapping[str, tuple[Reason, ...]],
    shared: SharedResults | None = None,
) -> tuple[tuple[PlannedTask, ...], frozenset[str]]:
    """Which tasks would run, and the tasks whose environments may be missing.

    Raises:
        StateError: The task state cannot be read.
    """
    paths = Paths(project.base, project.base)
    with TaskStore(project.base / project.configuration.layout.task_state, writable=False) as store:
        state = replace(view_state(store, paths, actions.describe_staleness), found=found, refuses=actions.refuses)
        if shared is not None:
            state = replace(state, cached=shared.doing(own_tasks(requested, found)).find)
        if project.options.on:  # tasks work in the environments of workers
            unneeded = frozenset(node.name for node in requested.graph.nodes if node.trees)
        else:
            unneeded = unneeded_environments(requested.graph, state, requested.forced, requested.wanted)
        return make_plan(requested.graph, state, requested.forced, unneeded), unneeded


def own_tasks(requested: RequestedRun, found: Mapping[str, tuple[Reason, ...]]) -> frozenset[str]:
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
