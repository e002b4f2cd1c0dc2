"""The content of locks as values: wheels, packages, one layer's lock, and what the layers below provide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath
from types import MappingProxyType

from venvstacks.locking.own_digests import OWN_WHEELS


@dataclass(frozen=True, order=True)
class Wheel:
    """One wheel file.

    Attributes:
        location: URL without credentials, or path relative to the folder of the lock file, with forward slashes.
        hashes: (algorithm, hex digest), sorted; empty only for shared packages that a lower layer takes from source,
            whose `location` is a folder: a lock does not change with a wheel that it does not install.
        is_path: Whether `location` is a path.
        size: Bytes; None if the index does not give it.
        upload_time: When the index received the file; None if the index does not give it.
        is_archive: Whether a requirement names this very file (`name @ URL`), instead of an index offering it.
    """

    location: str
    hashes: tuple[tuple[str, str], ...]
    is_path: bool = False
    size: int | None = None
    upload_time: datetime | None = None
    is_archive: bool = False

    @property
    def is_own(self) -> bool:
        """Whether it was built from source, in the build folder."""
        return self.is_path and OWN_WHEELS in self.location


@dataclass(frozen=True, order=True)
class ResolvedPackage:
    """One package that a resolution for one target platform chose."""

    name: str
    version: str
    wheels: tuple[Wheel, ...]


@dataclass(frozen=True)
class LockedPackage:
    """One version of one package, on some or all of a layer's targets.

    Attributes:
        name: Normalised distribution name.
        version: Exact version.
        targets: Names of the target platforms that it is for, in the order of the lock's.
        wheels: The wheels that may be installed, without duplicates: targets may need different ones. For a shared
            package, the provider's wheels. Empty for a shared package in a lock of venvstacks 0.8, and for pins of
            locks that name no files.
        provider: Environment name of the lower layer that provides a shared package; None for others.
        left_out_by: Environment name of the layer, this one or a lower one, whose `exclude` keeps it from being
            installed although it was resolved; None for others.
    """

    name: str
    version: str
    targets: tuple[str, ...]
    wheels: tuple[Wheel, ...] = ()
    provider: str | None = None
    left_out_by: str | None = None

    @property
    def is_shared(self) -> bool:
        """Whether a lower layer provides it."""
        return self.provider is not None

    @property
    def is_installed(self) -> bool:
        """Whether this layer installs the package, on the package's targets."""
        return self.provider is None and self.left_out_by is None


@dataclass(frozen=True)
class LayerLock:
    """A layer's lock: what is installed and what is shared, on every target.

    Attributes:
        requires_python: Specifier of the Python versions that the lock is for.
        targets: Names of the layer's target platforms.
        packages: Sorted by name, then version, installed ones before shared ones, then by target.
    """

    requires_python: str
    targets: tuple[str, ...]
    packages: tuple[LockedPackage, ...] = ()

    def installed(self, target: str) -> Iterator[LockedPackage]:
        """The packages that are installed on one target, each once."""
        return (p for p in self.packages if p.is_installed and target in p.targets)

    def with_own_wheels_in(self, folder: str) -> LayerLock:
        """This lock with the wheels that are built from source in another build folder than when it was written.

        Args:
            folder: That of the folders of own wheels, relative to the folder of the lock.
        """
        if not any(wheel.is_own for wheel in self.path_wheels):
            return self

        def moved(wheel: Wheel) -> Wheel:
            inside = wheel.location.rpartition(OWN_WHEELS)[2]
            return replace(wheel, location=f"{PurePath(folder).as_posix()}/{inside}") if wheel.is_own else wheel

        packages = (replace(package, wheels=tuple(map(moved, package.wheels))) for package in self.packages)
        return replace(self, packages=tuple(packages))

    def shared(self, target: str) -> Iterator[LockedPackage]:
        """The packages that the layer needs on one target and a lower layer provides."""
        return (p for p in self.packages if p.is_shared and target in p.targets)

    def left_out(self, target: str) -> Iterator[LockedPackage]:
        """The packages that were resolved for one target, but are installed neither there nor in a lower layer."""
        return (p for p in self.packages if p.left_out_by is not None and target in p.targets)

    @property
    def chosen_names(self) -> frozenset[str]:
        """Names of all packages whose versions this layer chose: what it installs on any target, or leaves out."""
        return frozenset(package.name for package in self.packages if not package.is_shared)

    @property
    def path_wheels(self) -> tuple[Wheel, ...]:
        """Wheels that this layer chose and that are named by path instead of URL."""
        chosen = (package for package in self.packages if not package.is_shared)
        return tuple(wheel for package in chosen for wheel in package.wheels if wheel.is_path)


@dataclass(frozen=True)
class Provided:
    """A package as a lower layer holds it.

    Attributes:
        version: Its version.
        layer: Environment name of the layer.
        wheels: What that layer may install of it.
    """

    version: str
    layer: str
    wheels: tuple[Wheel, ...] = ()


@dataclass(frozen=True)
class Provision:
    """What the layers below hold on each target.

    Attributes:
        packages: Target name to package name to the version that imports find, and its layer.
        clashes: (target, package) to the package in a layer that imports search later, and that holds another version;
            imports never find that one.
    """

    packages: Mapping[str, Mapping[str, Provided]] = field(default_factory=dict)
    clashes: Mapping[tuple[str, str], Provided] = field(default_factory=dict)

    def on(self, target: str) -> Mapping[str, Provided]:
        """What is provided on one target."""
        return self.packages.get(target, MappingProxyType({}))

    def versions(self, target: str) -> dict[str, str]:
        """Package name to version of what is provided on one target."""
        return {name: found.version for name, found in self.on(target).items()}


def provision_of(below: Sequence[tuple[str, LayerLock]], targets: Iterable[str]) -> Provision:
    """The packages that all layers below hold.

    Args:
        below: Environment name and lock of every lower layer, in the order in which imports find them.
        targets: Names of the target platforms that matter.

    Returns:
        For each target and package, the first layer that holds it; a later layer with another version is a clash.
    """
    packages: dict[str, dict[str, Provided]] = {target: {} for target in targets}
    clashes: dict[tuple[str, str], Provided] = {}
    for target, held in packages.items():
        for layer, lock in below:
            for package in lock.installed(target):
                found = Provided(package.version, layer, package.wheels)
                if held.setdefault(package.name, found).version != package.version:
                    clashes.setdefault((target, package.name), found)
    return Provision(packages, clashes)
