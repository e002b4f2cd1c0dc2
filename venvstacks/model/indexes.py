"""Which named package index a layer takes a package from, with what it inherits from the layers below."""

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
        claims: (layer, package name to index name), the layer itself first, then what lies below in import order.
        overrides: Index name to index name: where the key and the value disagree over a package, the value wins.

    Returns:
        The index of each package, and the conflicts that no override accepts (the first claim stands there).
    """
    chosen: dict[str, tuple[str, str]] = {}
    conflicts = []
    for layer, claimed in claims:
        for package, index in claimed.items():
            held = chosen.setdefault(package, (layer, index))
            if held[1] == index or overrides.get(index) == held[1]:
                continue
            if overrides.get(held[1]) == index:
                chosen[package] = (layer, index)
            else:
                conflicts.append(IndexConflict(package, held, (layer, index)))
    return {package: index for package, (_, index) in sorted(chosen.items())}, tuple(conflicts)
