"""Requests: which tasks they mean, which of them run in any case, and the actions that do them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, cast, get_args

from packaging.utils import canonicalize_name

from venvstacks.actions.locking.lock_request import LockPolicy
from venvstacks.actions.run_options import RunOptions
from venvstacks.actions.table import TaskActions
from venvstacks.digests import sha256_file
from venvstacks.errors import UsageError
from venvstacks.graph.selection import (
    Operation,
    SelectedLayers,
    Selection,
    goals,
    held_tasks,
    renewed_locks,
    select_layers,
)
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.loading.project import Project
from venvstacks.records.remembered_digests import RememberedDigests
from venvstacks.suggestions import suggestion

if TYPE_CHECKING:
    from venvstacks.actions.toolset import Tools

_MOST_THREADS = 8  # for one task: each costs a compressor memory, and several tasks run at once


@dataclass(frozen=True)
class Request:
    """What is to be achieved.

    Attributes:
        operations: Any of `lock`, `build`, `publish`, `export`.
        selection: For which layers.
        renew_locks: Whether locks of the selected layers are resolved again even if they are valid.
        upgrade: Whether these are resolved without regard to their earlier versions.
        upgrade_packages: Names of packages whose earlier versions are not kept; only locks that install one of them,
            and those that use them, are resolved.
        align: Whether one version of each package is sought for all platforms.
        lock_policy: Whether locks that are not valid are renewed, or are an error unless they are missing.
        clean: Whether to start from nothing: no earlier pins, no earlier environments.
        force: Whether archives and exports are written even if they are current.
        delta_from: Older publications, folders or URLs, that deltas to the published layers are made from.
        keep_wheels: Whether wheels of own packages are taken as they are, even if their source has changed.
        keep_going: Whether to go on with what does not depend on a failed task.
        locked: Whether it is an error, before anything runs, if a lock is missing or not valid.
        strict_layers: Whether it is an error if a layer cannot be resolved over the locks below; otherwise those are
            adapted to it where that helps.
        check_environments: Whether environments are compared with their records by content first, and those that
            somebody has changed are built again.
    """

    operations: tuple[Operation, ...]
    selection: Selection = field(default_factory=Selection)
    renew_locks: bool = False
    upgrade: bool = False
    upgrade_packages: tuple[str, ...] = ()
    align: bool = False
    lock_policy: LockPolicy = "if-needed"
    clean: bool = False
    force: bool = False
    delta_from: tuple[str, ...] = ()
    keep_going: bool = False
    keep_wheels: bool = False
    check_environments: bool = False
    locked: bool = False
    strict_layers: bool = False

    def __post_init__(self) -> None:
        """Refuse operations that there are not: `Request("lock")` would mean `l`, `o`, `c` and `k`.

        Raises:
            UsageError: There are some.
        """
        known, given = get_args(Operation), cast("object", self.operations)
        if isinstance(given, str):
            raise UsageError(
                f"the operations of a request are a tuple of names, not the text {given!r}",
                hint=f'write Request(("{given if given in known else known[0]}",))',
            )
        for name in self.operations:
            if name not in known:
                hint = suggestion(str(name), known, f"operations are {', '.join(known)}")
                raise UsageError(f"there is no operation {name!r}", hint=hint)


@dataclass(frozen=True)
class RequestedRun:
    """A request, resolved for a project.

    Attributes:
        graph: The tasks that it needs.
        forced: Names of those that run even if they are up to date.
        options: The run's options for actions.
        wanted: Names of those whose environments are what the request is for.
    """

    graph: TaskGraph
    forced: frozenset[str]
    options: RunOptions
    wanted: frozenset[str] = frozenset()


def work_out(project: Project, request: Request) -> RequestedRun:
    """Find out what a request means for a project.

    Raises:
        UsageError: It makes no sense for this stack.
    """
    stack, selection = project.stack, request.selection
    selected = select_layers(stack, selection)
    if project.configuration.platform is None and set(request.operations) != {"lock"}:
        raise UsageError(
            "layers cannot be built for this machine's platform",
            hint="locking works everywhere; build on one of the target platforms",
        )
    _check_platform(project, request)
    if project.configuration.is_foreign:
        _check_foreign(project, request)
    wanted = goals(project.graph, stack, request.operations, selection)
    graph = project.graph.closure(wanted)
    held = held_tasks(stack, request.operations, selection) & graph.by_name.keys()
    if request.keep_wheels:
        layout, labels = project.configuration.layout, stack.own_packages
        held |= {f"wheel:{label}" for label in labels if (project.base / layout.wheel_pin(label)).is_file()}
        held &= graph.by_name.keys()
    upgraded = frozenset(str(canonicalize_name(name)) for name in request.upgrade_packages)
    renewed = _renewed(project, request, selected, upgraded)
    forced = renewed | _forced_outputs(request, selected) | _moved_wheels(project, request, upgraded)
    options = RunOptions(
        lock_policy=request.lock_policy,
        renewed_locks=renewed,
        reset_locks=frozenset(selected.reset if "lock" in request.operations else ()),
        clean=request.clean,
        use_index=project.options.use_index,
        local_wheel_folders=project.local_wheel_folders,
        force_archives=request.force,
        upgrade=request.upgrade,
        upgrade_packages=upgraded,
        align=request.align,
        locked=request.locked,
    )
    return RequestedRun(graph.without(held), forced & graph.by_name.keys(), options, _wanted(request, selected))


def _check_platform(project: Project, request: Request) -> None:
    """Refuse to build, publish or export where no layer is for the platform: doing nothing must not pass for success.

    Raises:
        UsageError: It is asked for.
    """
    platform, layers = project.configuration.platform, project.stack.layers
    meant = {target.name for layer in layers for target in layer.platforms}
    if platform is not None and meant and platform.name not in meant and set(request.operations) - {"lock"}:
        raise UsageError(
            f"no layer of {project.path.name} is for {platform.name}",
            hint=f"the layers are for {', '.join(sorted(meant))}: name that with --platform, which works on other "
            f"machines too, or add {platform.name} to `platforms`",
        )


def _check_foreign(project: Project, request: Request) -> None:
    """Refuse what only a machine of the target platform can do.

    Raises:
        UsageError: It is asked for.
    """
    configuration = project.configuration
    target, host, wanted = configuration.layout.foreign, configuration.host, configuration.platform
    if host and host.is_windows and not (wanted and wanted.is_windows) and request.operations != ("lock",):
        raise UsageError(
            f"layers for {target} cannot be made on Windows, whose files have no executable bits and few links",
            hint="make them on Linux or macOS, for example in the Windows Subsystem for Linux",
        )
    if "export" in request.operations:
        raise UsageError(
            f"environments for {target} cannot be exported here: exports are used where they are written",
            hint="publish them, and deploy the archives on their platform",
        )
    if configuration.bytecode == "shipped" and not configuration.can_start and request.operations != ("lock",):
        raise UsageError(
            f"bytecode for {target} cannot be compiled here: that takes the very Python that is to load it",
            hint=f'set bytecode = "on-deploy", or name an emulator: emulators = {{ {target} = ["qemu-...", "..."] }}',
        )


def _wanted(request: Request, selected: SelectedLayers) -> frozenset[str]:
    """Tasks whose environments are asked for; where archives or exports are, environments are a means to an end."""
    if "build" not in request.operations or {"publish", "export"} & set(request.operations):
        return frozenset()
    return frozenset(f"{kind}:{name}" for name in selected.build for kind in ("build", "link", "check"))


def _renewed(project: Project, request: Request, selected: SelectedLayers, upgraded: frozenset[str]) -> frozenset[str]:
    if "lock" not in request.operations:
        return frozenset()
    # To renew everything would be right as well, but would take its time: earlier versions are kept anyway.
    only_some = bool(upgraded) and not request.upgrade
    if_needed = only_some or not (request.renew_locks or request.upgrade)
    renewed = renewed_locks(project.stack, request.selection, if_needed=if_needed)
    return renewed | _owners(project, upgraded, selected.lock) if only_some else renewed


def _owners(project: Project, packages: Collection[str], selected: Collection[str]) -> frozenset[str]:
    """Names of the lock tasks of selected layers that install one of some packages.

    Raises:
        UsageError: No selected layer installs one of the packages.
    """
    from venvstacks.actions.locking.lock_files import chosen_names  # noqa: PLC0415 - to upgrade single packages

    layout = project.configuration.layout
    chosen = {
        layer.env_name: chosen_names(project.base / layout.lock_file(layer), layer) for layer in project.stack.layers
    }
    for package in packages:
        homes = [name for name, names in chosen.items() if package in names]
        if not set(homes) & set(selected):
            raise _not_locked(package, homes, frozenset().union(*chosen.values()))
    return frozenset(f"lock:{name}" for name in selected if chosen[name] & set(packages))


def _not_locked(package: str, homes: Collection[str], known: Collection[str]) -> UsageError:
    if homes:
        return UsageError(
            f"no selected layer installs '{package}'", hint=f"it is locked in {', '.join(homes)}: include that layer"
        )
    hint = suggestion(package, known, otherwise="it has no earlier version to move from")
    return UsageError(f"no layer is locked with '{package}'", hint=hint)


def _moved_wheels(project: Project, request: Request, upgraded: Collection[str]) -> frozenset[str]:
    """Names of the wheel tasks whose sources may move on: branches, URLs, versions of build requirements."""
    if "lock" not in request.operations:
        return frozenset()
    packages = project.stack.own_packages.items()
    return frozenset(f"wheel:{label}" for label, package in packages if request.upgrade or package.name in upgraded)


def _forced_outputs(request: Request, selected: SelectedLayers) -> frozenset[str]:
    forced = set()
    if request.clean and "build" in request.operations:
        forced |= {f"{kind}:{name}" for name in selected.build for kind in ("build", "link", "check")}
    if request.force or request.delta_from:
        forced |= {f"archive:{name}" for name in selected.publish if "publish" in request.operations}
    if request.force:
        forced |= {f"export:{name}" for name in selected.export if "export" in request.operations}
    return frozenset(forced)


def task_actions(
    project: Project, options: RunOptions, progress: Callable[[str, int, int | None], None] | None = None
) -> TaskActions:
    """What does the tasks of a project as one run wants them; `progress` is called while something long goes on."""
    digests = RememberedDigests(sha256_file, project.base / project.configuration.layout.digests)

    def make_tools() -> Tools:
        from venvstacks.actions.toolset import Tools  # noqa: PLC0415 - only where something runs

        threads, compressors = min(project.jobs, _MOST_THREADS), BoundedSemaphore(max(1, project.jobs // _MOST_THREADS))
        return Tools(
            project.environment,
            project.cache,
            threads=threads,
            compressors=compressors,
            digests=digests,
            progress=progress,
        )

    return TaskActions(
        project.stack,
        project.configuration,
        project.base,
        options=options,
        variables=project.environment,
        digests=digests,
        make_tools=make_tools,
    )
