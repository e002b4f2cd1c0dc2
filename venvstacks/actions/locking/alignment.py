"""Seeking one version of each package for all targets of a layer, where resolving them one by one chose several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from packaging.version import Version

from venvstacks.locking.locks import ResolvedPackage

_Resolutions = Mapping[str, Sequence[ResolvedPackage]]


def align_versions(
    resolutions: _Resolutions,
    attempt: Callable[[Mapping[str, str]], _Resolutions | None],
    settled: Collection[str] = (),
) -> _Resolutions:
    """Resolutions in which as many packages as possible have one version on all of their targets.

    One package after the other is held to one of the versions that were chosen for it, the oldest first: that one has
    wheels where the others lack them. What was settled so stays settled. A package for which no version serves all
    targets keeps its several ones; there are good reasons for that, such as a marker that asks for it.

    Args:
        resolutions: Target name to what was resolved for it.
        attempt: Resolves all targets with some packages held to exact versions; None where that fails.
        settled: Packages whose versions are not this layer's to choose.
    """
    held: dict[str, str] = {}
    tried = set(settled)
    while waiting := sorted(differing(resolutions).keys() - tried):
        package = waiting[0]
        tried.add(package)
        for version in differing(resolutions)[package]:
            if found := attempt({**held, package: version}):
                resolutions, held = found, {**held, package: version}
                break
    return resolutions


def differing(resolutions: _Resolutions) -> dict[str, tuple[str, ...]]:
    """Packages that several targets have in several versions, with these, oldest first."""
    versions: dict[str, set[str]] = {}
    for packages in resolutions.values():
        for package in packages:
            versions.setdefault(package.name, set()).add(package.version)
    return {name: tuple(sorted(found, key=Version)) for name, found in versions.items() if len(found) > 1}
