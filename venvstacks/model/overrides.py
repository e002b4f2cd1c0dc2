"""Overrides of wrong metadata: a layer's own, and those that it inherits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


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
