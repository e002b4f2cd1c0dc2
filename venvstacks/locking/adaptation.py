"""Versions that lower layers are locked with because layers above cannot be resolved otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from venvstacks.errors import NeededVersion

if TYPE_CHECKING:
    from venvstacks.locking.locks import LayerLock
    from venvstacks.model.stack import Layer


@dataclass(frozen=True)
class Adaptation:
    """What a run adapts in lower layers.

    Attributes:
        needed: The versions that they are locked with.
        layers: The layers that need these versions.
        adaptable: Environment names of the layers that may be adapted.
    """

    needed: tuple[NeededVersion, ...] = ()
    layers: tuple[Layer, ...] = ()
    adaptable: frozenset[str] = frozenset()

    def versions(self, env_name: str, target: str) -> dict[str, str]:
        """Package name to the version that a layer is locked with on a target."""
        return {each.package: each.version for each in self.needed if (each.layer, each.target) == (env_name, target)}

    def may_adapt(self, needed: Iterable[NeededVersion]) -> bool:
        """Whether all the layers that would have to be adapted may be."""
        return {each.layer for each in needed} <= self.adaptable


def needed_versions(
    below: Sequence[tuple[str, LayerLock]], together: Mapping[str, str], target: str, earlier: Adaptation, needs: str
) -> tuple[NeededVersion, ...]:
    """The versions on one target that differ between the locks below and a resolution of all these layers together.

    Args:
        below: Environment names and locks of the layers below.
        together: Package name to version in the common resolution.
        target: Name of the target.
        earlier: What was adapted in these locks already; all of it that still holds is in the result as well.
        needs: Environment name of the layer that cannot be resolved over these locks.
    """
    adapted = {(each.layer, each.package): each for each in earlier.needed if each.target == target}
    found = []
    for env_name, lock in below:
        for package in lock.installed(target):
            before = adapted.get((env_name, package.name))
            version = together.get(package.name, package.version)
            natural = before.instead if before else package.version
            if version != natural:
                reason = before.needed_by if before and before.version == version else needs
                found.append(NeededVersion(env_name, package.name, version, natural, target, reason))
    return tuple(found)


def describe_needed(needed: Iterable[NeededVersion]) -> Iterator[str]:
    """One sentence for each package of each layer, e.g. for notes."""
    targets: dict[tuple[str, str, str, str, str], list[str]] = {}
    for each in needed:
        key = (each.layer, each.package, each.version, each.instead, each.needed_by)
        targets.setdefault(key, []).append(each.target)
    for layer, package, version, instead, needed_by in targets:
        yield f"layer '{layer}' is locked with {package} {version} instead of {instead}: layer '{needed_by}' needs it"
