"""What a layer leaves out: what it excludes, what only that needs, and what the layers below have left out already.

A lower layer that left something out did so for what it holds itself. For the layers above, the packages of that layer
go on doing without; but whatever else needs such a package up there gets it.
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
    """What lower layers leave out on one target: package name to the layer that excluded it."""
    found: dict[str, str] = {}
    for _, lock in below:
        for package in lock.left_out(target):
            found.setdefault(package.name, package.left_out_by or "")
    return found


def find_left_out(
    layer: Layer, dependencies: Dependencies, provided: Mapping[str, Provided], lower: Mapping[str, str]
) -> dict[str, str]:
    """What of a resolution for one target is not to be installed.

    Args:
        layer: The layer.
        dependencies: Its resolution: who needs whom.
        provided: What the layers below hold.
        lower: What they leave out (`left_out_below`).

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
    """See that everything that a layer excludes is there to be excluded.

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
