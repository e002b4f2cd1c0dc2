"""Resolving one layer: for each of its target platforms, over the locks below; then the results are merged."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from venvstacks.actions.building.unsafe_wheels import check_local_wheels
from venvstacks.actions.locking.attempts import UvRuns
from venvstacks.actions.locking.joint_resolution import settle_clashes
from venvstacks.actions.locking.local_wheels import local_names, with_local_index
from venvstacks.actions.locking.lock_files import read_layer_lock
from venvstacks.actions.locking.lock_request import LockPaths, LockRequest
from venvstacks.actions.locking.lock_write_hints import hint_for
from venvstacks.actions.locking.own_wheels import check_sources, own_addresses
from venvstacks.actions.locking.target_resolutions import Resolutions, TargetResolver
from venvstacks.actions.toolset import Tools
from venvstacks.errors import LockError, MissingToolError, ProcessFailedError
from venvstacks.locking.locks import LayerLock, Provision, Wheel, provision_of
from venvstacks.locking.merge import merge_resolutions, requires_python
from venvstacks.locking.source_check import check_chosen, check_required
from venvstacks.locking.wheel_tags import misfits
from venvstacks.tools.files import staging_folder
from venvstacks.tools.uv import UvTools


@dataclass(frozen=True)
class Resolution:
    """A layer's new lock, and sentences for the user about it."""

    lock: LayerLock
    notes: tuple[str, ...] = ()


def resolve_layer(
    request: LockRequest, earlier: LayerLock | None, tools: Tools, *, same_inputs: bool = False
) -> Resolution:
    """Resolve a layer for all of its targets.

    Args:
        request: The layer and its surroundings.
        earlier: Its lock so far, whose versions are kept where they still fit.
        tools: What actions work with: uv, processes, caches.
        same_inputs: Whether that lock was made from the same inputs.

    Raises:
        MissingWheelsError: Packages have no wheel for some targets.
        LayerConflictError: It cannot be resolved over the locks below, but these may be adapted.
        LockError: It cannot be resolved.
        InterruptedRunError: The run is being stopped.
    """
    layer, uv = request.layer, request.settings
    below = read_lower_locks(request)
    provision = provision_of(below, [target.name for target in layer.platforms])
    if not layer.requirements and not provision.clashes:
        return Resolution(LayerLock(requires_python(layer), tuple(target.name for target in layer.platforms)))
    seed = None if request.ignore_pins or request.upgrade else earlier
    try:
        uv_tools = UvTools.of(tools.environment, tools.processes, tools.resolvers)
        with staging_folder(
            (request.drafts or request.base) / request.layout.staging, f"lock-{layer.env_name}"
        ) as staging:
            runs = _prepare(request, seed, below, uv_tools, staging)
            resolver = TargetResolver(runs, below)
            notes = settle_clashes(runs, below)
            resolutions = resolver.resolve()
            check_chosen(layer, uv, _chosen_wheels(resolutions, provision))
            check_sources(request, resolutions, provision)
            lock = merge_resolutions(layer, resolutions, provision, resolver.left_out(resolutions))
            if same_inputs and earlier and replace(lock, requires_python=earlier.requires_python) == earlier:
                lock = earlier  # the same packages need the same packages on other releases of Python
            elif resolver.differs_between_patches(resolutions):
                lock = replace(lock, requires_python=f"=={layer.python.version}")
            _check_archives(request, lock)
            check_local_wheels(request.lock_folder(layer), lock, layer.env_name, LockError)
            return Resolution(_with_sizes(request, lock), notes)
    except (MissingToolError, ProcessFailedError) as error:
        raise LockError(f"layer '{layer.env_name}' cannot be locked: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise LockError(
            f"layer '{layer.env_name}' cannot be locked: {error.strerror or error}",
            hint=hint_for(error, (request.drafts or request.base) / request.layout.staging),
        ) from error


def _prepare(
    request: LockRequest,
    seed: LayerLock | None,
    below: Sequence[tuple[str, LayerLock]],
    uv_tools: UvTools,
    staging: Path,
) -> UvRuns:
    """Runs of uv for a layer, in which packages that local wheels hold come from there.

    Raises:
        ForeignSourceError: A required package has a source that the specification does not name.
    """
    layer = request.layer
    provision = provision_of(below, [target.name for target in layer.platforms])
    provided = {name for packages in provision.packages.values() for name in packages}
    seeded = wheel_folders(request, (), seed)  # without them, versions from there would give way to those of an index
    remembering = replace(request, local_wheel_dirs=seeded)
    own = {use.package.name for use in layer.own}  # those come from their sources
    names = local_names(remembering, provided | own)
    check_required(layer, request.settings, {target.name: provided | names for target in layer.platforms})
    indexed = with_local_index(remembering, names, staging / "local-wheels")
    folders, addresses = wheel_folders(indexed, below), own_addresses(request)
    return UvRuns(indexed, indexed.layer, uv_tools, staging, provision, folders, seed, addresses)


def _chosen_wheels(resolutions: Resolutions, provision: Provision) -> dict[str, dict[str, Sequence[Wheel]]]:
    """Target name to package name to its wheels: those that were resolved, or those of the layer that provides it."""
    return {
        target: {
            package.name: found.wheels if (found := provision.on(target).get(package.name)) else package.wheels
            for package in packages
        }
        for target, packages in resolutions.items()
    }


def _check_archives(request: LockRequest, lock: LayerLock) -> None:
    if found := misfits(request.layer, lock):
        raise LockError(
            f"layer '{request.layer.env_name}' cannot be locked: wheels that it names do not fit its platforms",
            details=found,
            hint="name one wheel per platform, each with a marker (; sys_platform == 'linux'), or narrow `platforms`",
        )


def read_lower_locks(request: LockRequest) -> list[tuple[str, LayerLock]]:
    """Environment names and locks of the layers below, in import order.

    Raises:
        LockError: One of them is missing or cannot be used.
    """
    locks = []
    for lower in request.layer.below:
        path = LockPaths.of(request, lower).lock
        try:
            locks.append((lower.env_name, read_layer_lock(path, lower.python)))
        except LockError as error:
            raise LockError(
                f"layer '{request.layer.env_name}' cannot be locked, because layer '{lower.env_name}' below it is not",
                details=(error.message,),
                hint=f"lock '{lower.env_name}' first",
            ) from None
    return locks


def _with_sizes(request: LockRequest, lock: LayerLock) -> LayerLock:
    """A lock with the sizes of local wheels that are left out: the summary shows how much `exclude` saves."""
    folder = request.lock_folder(request.layer)

    def measured(wheel: Wheel) -> Wheel:
        place = Path(os.path.normpath(folder / wheel.location))  # the lock's folder may not exist yet
        return replace(wheel, size=place.stat().st_size) if wheel.is_path else wheel

    packages = (
        replace(package, wheels=tuple(map(measured, package.wheels))) if package.left_out_by else package
        for package in lock.packages
    )
    return replace(lock, packages=tuple(packages))


def wheel_folders(
    request: LockRequest, below: Sequence[tuple[str, LayerLock]], seed: LayerLock | None = None
) -> tuple[Path, ...]:
    """The request's folders of local wheels, and the folders of local wheels that other locks name.

    Args:
        request: The layer and its surroundings.
        below: Locks of the layers below, without whose folders uv would not find the versions that these hold.
        seed: The layer's own earlier lock.
    """
    found = dict.fromkeys(request.local_wheel_dirs)
    locks = [(lower, lock) for lower in request.layer.below for name, lock in below if name == lower.env_name]
    for owner, lock in [*locks, *([(request.layer, seed)] if seed else [])]:
        folder = request.lock_folder(owner)
        # a package that had a source is not taken from its former build once it has none any more
        wheels = (wheel for wheel in lock.path_wheels if lock is not seed or not wheel.is_own)
        places = (Path(os.path.normpath(folder / wheel.location)).parent for wheel in wheels)
        found |= dict.fromkeys(place for place in places if place.is_dir())
    return tuple(found)
