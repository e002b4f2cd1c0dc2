"""Which packages a layer leaves out: those that it excludes, those that only these need, and those left out below.

A lower layer leaves a package out for its own packages only. When a layer above is resolved, the lower layer's packages
still do not get it, but other packages of the upper layer that need it do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from venvstacks.errors import LockError
from venvstacks.locking.dependencies import Dependencies
from venvstacks.locking.locks import LayerLock, Provided
from venvstacks.model.stack import Layer

LeftOut = Mapping[str, Mapping[str, str]]
"""Target name to package name to the environment name of the layer whose `exclude` keeps it out."""


def left_out_below(below: Iterable[tuple[str, LayerLock]], target: str) -> dict[str, str]:
    """Packages that lower layers leave out on one target: package name to the layer that excluded it."""
    found: dict[str, str] = {}
    for _, lock in below:
        for package in lock.left_out(target):
            found.setdefault(package.name, package.left_out_by or "")
    return found


def find_left_out(
    layer: Layer, dependencies: Dependencies, provided: Mapping[str, Provided], lower: Mapping[str, str]
) -> dict[str, str]:
    """The packages of a resolution for one target that are not to be installed.

    Args:
        layer: The layer.
        dependencies: Its resolution: which package needs which.
        provided: What the layers below hold.
        lower: What the layers below leave out (`left_out_below`).

    Returns:
        Package name to the layer that excluded it, or that excluded everything that needs it.
    """
    missing = frozenset(lower.keys() - provided.keys())
    needed = dependencies.reach(dict.fromkeys(provided, missing), frozenset(layer.exclude))
    unneeded = dependencies.versions.keys() - needed - provided.keys()
    return {
        name: layer.env_name if name in layer.exclude else lower.get(name, layer.env_name) for name in sorted(unneeded)
    }


def check_exclusions(
    layer: Layer, resolutions: Mapping[str, Collection[str]], provided: Mapping[str, Mapping[str, Provided]]
) -> None:
    """Check that every package that a layer excludes is part of its resolution and not provided from below.

    Args:
        layer: The layer.
        resolutions: Target name to the names of all packages that were resolved for it.
        provided: Target name to what the layers below hold.

    Raises:
        LockError: A name is not in any resolution, or a layer below installs that package.
    """
    faults: list[str] = []
    for name in layer.exclude:
        targets = [target for target, names in resolutions.items() if name in names]
        holders: Sequence[str] = sorted({provided[t][name].layer for t in targets if name in provided[t]})
        if not targets:
            faults.append(f"'{name}' is not needed by anything in this layer")
        elif holders and all(name in provided[target] for target in targets):
            faults.append(f"'{name}' is installed in layer '{', '.join(holders)}'")
    if faults:
        raise LockError(
            f"layer '{layer.env_name}' excludes packages that it cannot leave out",
            details=tuple(faults),
            hint="correct the name, take it out of `exclude`, or exclude it in the layer that installs it",
        )
