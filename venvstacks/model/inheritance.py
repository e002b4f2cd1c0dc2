"""What a layer inherits from those below it: package indexes, and overrides of wrong metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


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


def inherit_overrides(claims: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """A layer's overrides, and those of the layers below for other packages.

    Without this, a layer that uses a package with wrong metadata from below would be resolved with that metadata.

    Args:
        claims: Overrides (PEP 508) of the layer itself, then of the layers below in import order. The first that names
            a package is in force for it, with all the entries that it has for it.
    """
    chosen: dict[str, list[str]] = {}
    for overrides in claims:
        found: dict[str, list[str]] = {}
        for text in overrides:
            found.setdefault(str(canonicalize_name(Requirement(text).name)), []).append(text)
        chosen = {**found, **chosen}
    return tuple(text for name in sorted(chosen) for text in chosen[name])
