"""Resolutions of single targets, merged into one lock of a layer.

The promise: on every target the lock installs exactly the packages that were resolved for that target, except those
that a lower layer provides there and those that are excluded; each package is listed once per target.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from venvstacks.errors import LockError
from venvstacks.locking.exclusion import LeftOut
from venvstacks.locking.locks import LayerLock, LockedPackage, Provided, Provision, ResolvedPackage, Wheel
from venvstacks.model.stack import Layer

_NOTHING: LeftOut = {}


_Key = tuple[str, str, str | None, str | None, Wheel | None]
"""Name, version, provider, excluding layer, archive: packages that agree in all of these share one entry of a lock."""


@dataclass
class _Gathered:
    targets: list[str] = field(default_factory=list)
    wheels: set[Wheel] = field(default_factory=set)


def merge_resolutions(
    layer: Layer,
    resolutions: Mapping[str, Sequence[ResolvedPackage]],
    provision: Provision,
    left_out: LeftOut = _NOTHING,
) -> LayerLock:
    """Merge the resolutions of all targets of `layer` into its lock.

    Args:
        layer: The layer.
        resolutions: Target name to what was resolved for it, under the constraints of `provision`.
        provision: What the layers below provide.
        left_out: The packages that are resolved but not to be installed.

    Raises:
        LockError: The layer needs a package that two layers below hold in different versions. Imports would find the
            first version, and packages of the second layer could break with it; so the layer cannot be locked.
    """
    targets = tuple(target.name for target in layer.platforms)
    gathered: dict[_Key, _Gathered] = {}
    disagreements: list[str] = []
    for target in targets:
        held = provision.on(target)
        for package in resolutions[target]:
            found = held.get(package.name)
            if found and (fault := _disagreement(target, package, found, provision)):
                disagreements.append(fault)
            excluder = left_out.get(target, {}).get(package.name)
            wheels = tuple(map(_shared_wheel, found.wheels)) if found else package.wheels
            # PEP 751 allows one archive per entry, so each has an entry of its own
            archive = next((wheel for wheel in wheels if wheel.is_archive), None)
            key = (package.name, package.version, found.layer if found else None, excluder, archive)
            entry = gathered.setdefault(key, _Gathered())
            entry.targets.append(target)
            entry.wheels |= set(wheels)
    if disagreements:
        raise LockError(
            f"layer '{layer.env_name}' needs packages that the layers below hold in different versions",
            details=tuple(disagreements),
            hint="require the same version in both layers, or move the package into a layer below both",
        )
    packages = [
        LockedPackage(name, version, tuple(entry.targets), tuple(sorted(entry.wheels)), provider, excluder)
        for (name, version, provider, excluder, _), entry in gathered.items()
    ]
    return LayerLock(requires_python(layer), targets, sort_packages(packages, targets))


def _shared_wheel(wheel: Wheel) -> Wheel:
    """A wheel of a lower layer as locks above list it."""
    return Wheel(posixpath.dirname(wheel.location), (), is_path=True) if wheel.is_own else wheel


def requires_python(layer: Layer) -> str:
    """The Python versions that a layer's wheels fit: all patch releases, so that a new one changes no lock."""
    return f"=={layer.python.short_version}.*"


def sort_packages(packages: Sequence[LockedPackage], targets: Sequence[str]) -> tuple[LockedPackage, ...]:
    """Packages in the order in which a lock lists them."""

    def place(package: LockedPackage) -> tuple[str, str, int, int]:
        rank = 0 if package.is_installed else 1 if package.is_shared else 2
        return package.name, package.version, rank, targets.index(package.targets[0])

    return tuple(sorted(packages, key=place))


def _disagreement(target: str, package: ResolvedPackage, found: Provided, provision: Provision) -> str | None:
    clash = provision.clashes.get((target, package.name))
    if clash:
        return (
            f"{package.name} on {target}: {found.version} in layer '{found.layer}', "
            f"{clash.version} in layer '{clash.layer}'"
        )
    if package.version != found.version:
        return f"{package.name} on {target}: {found.version} in layer '{found.layer}', but {package.version} is needed"
    return None
