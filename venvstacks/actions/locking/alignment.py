"""Search for one version of each package that serves all targets of a layer, where each target got its own version."""

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

    Packages are tried one after the other. Each is limited to one of the versions that were chosen for it, the oldest
    first, because the oldest most often has wheels for all targets. A version that was found is kept while the next
    packages are tried. A package for which no version serves all targets keeps several versions; there can be a good
    reason for that, such as a marker.

    Args:
        resolutions: Target name to what was resolved for it.
        attempt: Resolves all targets with some packages held to exact versions; None where that fails.
        settled: Packages whose versions this layer does not choose, because lower layers do.
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
    """Packages whose versions differ between targets, each with its versions, oldest first."""
    versions: dict[str, set[str]] = {}
    for packages in resolutions.values():
        for package in packages:
            versions.setdefault(package.name, set()).add(package.version)
    return {name: tuple(sorted(found, key=Version)) for name, found in versions.items() if len(found) > 1}
