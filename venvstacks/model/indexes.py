"""The named package index of each package of a layer, also those that it inherits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class IndexConflict:
    """One package that two layers take from different indexes, with no override that accepts it.

    Attributes:
        package: Normalised distribution name.
        first: (layer, index) that was met first.
        second: (layer, index) that disagrees.
    """

    package: str
    first: tuple[str, str]
    second: tuple[str, str]


def inherit_package_indexes(
    claims: Sequence[tuple[str, Mapping[str, str]]], overrides: Mapping[str, str]
) -> tuple[dict[str, str], tuple[IndexConflict, ...]]:
    """Merge the package indexes of a layer and those below it.

    Args:
        claims: (layer, package name to index name), the layer itself first, then the layers below in import order.
        overrides: Index name to index name: where indexes disagree over a package, what the key would serve is taken
            from the value.

    Returns:
        The index of each package, and the conflicts that no override accepts (the result then has one of the claims).
    """
    claimants: dict[str, dict[str, str]] = {}
    for layer, claimed in claims:
        for package, index in claimed.items():
            claimants.setdefault(package, {}).setdefault(index, layer)
    chosen, conflicts = {}, []
    for package, layers in sorted(claimants.items()):
        accepted = dict.fromkeys(layers) if len(layers) == 1 else dict.fromkeys(_follow(i, overrides) for i in layers)
        chosen[package] = next(iter(accepted))
        if len(accepted) > 1:
            (first, one), (second, two) = [(index, layer) for index, layer in layers.items()][:2]
            conflicts.append(IndexConflict(package, (one, first), (two, second)))
    return chosen, tuple(conflicts)


def _follow(index: str, overrides: Mapping[str, str]) -> str:
    """The index that overrides lead to from `index`; a cycle of overrides has no effect."""
    seen = {index}
    place = index
    while place in overrides:
        place = overrides[place]
        if place in seen:
            return index
        seen.add(place)
    return place
