"""What differs between the contents of two stacks: packages, sizes, files, and what users fetch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from venvstacks.deployment.offers import OfferedFile
from venvstacks.deployment.ways import cheapest_way
from venvstacks.insight.contents import LayerContents, StackContents
from venvstacks.records.package_lists import ListedPackage

Status = Literal["added", "removed", "changed", "same"]


@dataclass(frozen=True)
class PackageChange:
    """A package that differs between two states of a layer.

    Attributes:
        name: Its name.
        before: Its version before; None if it is new.
        after: Its version after; None if it was removed.
        size_before: Bytes before; None if they are not known.
        size_after: Bytes after.
        files: Files that differ although the version is the same.
        wheels: File names of the wheels, where these differ although the version is the same.
        elsewhere: For a new package: the layer that held it before. For a removed one: the layer that holds it now.
    """

    name: str
    before: str | None
    after: str | None
    size_before: int | None = None
    size_after: int | None = None
    files: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()
    elsewhere: str | None = None

    @property
    def status(self) -> Literal["added", "removed", "updated", "same version"]:
        """What happened to it."""
        if self.before is None or self.after is None:
            return "added" if self.before is None else "removed"
        return "same version" if self.before == self.after else "updated"

    @property
    def growth(self) -> int | None:
        """Bytes that it needs more than before; None if that is not known."""
        known = self.size_before is not None or self.before is None, self.size_after is not None or self.after is None
        return (self.size_after or 0) - (self.size_before or 0) if all(known) else None


@dataclass(frozen=True)
class LayerChange:
    """A layer in two states.

    Attributes:
        name: Environment name.
        before: Its contents before; None if it is new.
        after: Its contents after; None if it was removed.
        packages: The packages that differ.
        files: Files of no package that were added, removed or changed.
    """

    name: str
    before: LayerContents | None
    after: LayerContents | None
    packages: tuple[PackageChange, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """What happened to it."""
        if self.before is None or self.after is None:
            return "added" if self.before is None else "removed"
        is_same = not (self.packages or self.files) and _digest(self.before) == _digest(self.after)
        return "same" if is_same and self.before.python == self.after.python else "changed"


@dataclass(frozen=True)
class Download:
    """What the users of one application fetch.

    Attributes:
        application: Its name.
        first: Bytes of a first installation.
        update: Bytes of an update; None if the application is new.
        layers: Names of the layers that an update fetches.
    """

    application: str
    first: int
    update: int | None
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Two stacks compared.

    Attributes:
        before: The contents before.
        after: The contents after.
        layers: Every layer of either, in the order of the stacks.
    """

    before: StackContents
    after: StackContents
    layers: tuple[LayerChange, ...]

    @cached_property
    def downloads(self) -> tuple[Download, ...]:
        """What users fetch, for each application of the later stack; empty where archives are not known."""
        return tuple(
            download_of(self.after, name, self.before) for name in self.after.applications if self._is_published(name)
        )

    def _is_published(self, name: str) -> bool:
        return all(layer.archive for layer in self.after.application_layers(name))

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return all(layer.status == "same" for layer in self.layers)

    def as_json(self) -> dict[str, Any]:
        """The comparison as JSON data."""
        return {
            "before": self.before.label,
            "after": self.after.label,
            "layers": [_layer_data(layer) for layer in self.layers],
            "downloads": [vars(download) | {"layers": list(download.layers)} for download in self.downloads],
            "notes": [f"{stack.label}: {note}" for stack in (self.before, self.after) for note in stack.notes],
        }


def compare_stacks(before: StackContents, after: StackContents) -> Comparison:
    """Compare two stacks layer by layer, by environment name."""
    names = dict.fromkeys([layer.name for layer in after.layers])
    names |= dict.fromkeys(layer.name for layer in before.layers)
    homes = _homes(before), _homes(after)
    return Comparison(
        before, after, tuple(_compare(name, before.by_name.get(name), after.by_name.get(name), homes) for name in names)
    )


def download_of(stack: StackContents, application: str, before: StackContents | None = None) -> Download:
    """What the users of an application fetch; archives that are not known count nothing."""
    layers = stack.application_layers(application)
    first = sum(layer.archive.size for layer in layers if layer.archive)
    if before is None or application not in before.applications:
        return Download(application, first, None, tuple(layer.name for layer in layers))
    there = before.application_layers(application)
    held = {_digest(layer) for layer in there}
    versions = frozenset(layer.offered.files.sha256 for layer in there if layer.offered)
    fetched = [layer for layer in layers if _digest(layer) not in held]
    update = sum(_update_size(layer, versions) for layer in fetched)
    return Download(application, first, update, tuple(layer.name for layer in fetched))


def _update_size(layer: LayerContents, versions: frozenset[str]) -> int:
    """Bytes that are fetched where versions of layers are installed: deltas, or the archive."""
    if layer.offered is not None:
        return cheapest_way(layer.offered, versions).size
    return layer.archive.size if layer.archive else 0


def _homes(stack: StackContents) -> Mapping[str, str]:
    """Package name to the first layer that holds it."""
    return {package.name: layer.name for layer in reversed(stack.layers) for package in layer.packages}


def _digest(layer: LayerContents) -> str | None:
    return layer.archive.sha256 if isinstance(layer.archive, OfferedFile) else None


def _compare(
    name: str,
    before: LayerContents | None,
    after: LayerContents | None,
    homes: tuple[Mapping[str, str], Mapping[str, str]],
) -> LayerChange:
    packages = sorted({*(before.by_name if before else ()), *(after.by_name if after else ())})
    changes = (_compare_package(one, before, after, homes) for one in packages)
    return LayerChange(
        name,
        before,
        after,
        tuple(change for change in changes if change is not None),
        _other_files(before, after) if before and after else (),
    )


def _compare_package(
    name: str,
    before: LayerContents | None,
    after: LayerContents | None,
    homes: tuple[Mapping[str, str], Mapping[str, str]],
) -> PackageChange | None:
    old, new = (layer.by_name.get(name) if layer else None for layer in (before, after))
    plain = PackageChange(
        name,
        old.version if old else None,
        new.version if new else None,
        before.package_sizes[name] if before and old else None,
        after.package_sizes[name] if after and new else None,
    )
    if old and new and before and after and old.version == new.version:
        files = tuple(_different(before, after, {*old.files, *new.files})) if old.files and new.files else ()
        wheels = tuple(one.wheel.file for one in (old, new) if one.wheel) if _wheels_differ(old, new) else ()
        return replace(plain, files=files, wheels=wheels) if files or wheels else None
    home = homes[0].get(name) if old is None else homes[1].get(name) if new is None else None
    return replace(plain, elsewhere=home)


def _wheels_differ(old: ListedPackage, new: ListedPackage) -> bool:
    digests = {one.wheel.sha256 for one in (old, new) if one.wheel}
    return None not in digests and len(digests) > 1


def _different(before: LayerContents, after: LayerContents, paths: Iterable[str]) -> Iterable[str]:
    return (path for path in sorted(paths) if before.by_path.get(path) != after.by_path.get(path))


def _other_files(before: LayerContents, after: LayerContents) -> tuple[str, ...]:
    if not (before.files and after.files):
        return ()
    paths = {path for layer in (before, after) for path in layer.by_path if path not in layer.owners}
    return tuple(_different(before, after, paths - before.owners.keys() - after.owners.keys()))


def _layer_data(change: LayerChange) -> dict[str, Any]:
    def facts(layer: LayerContents | None) -> dict[str, Any] | None:
        if layer is None:
            return None
        archive = (
            {"name": layer.archive.name, "size": layer.archive.size, "sha256": layer.archive.sha256}
            if layer.archive
            else None
        )
        return {"install_target": layer.target, "python": layer.python, "size": layer.size, "archive": archive}

    return {
        "name": change.name,
        "status": change.status,
        "before": facts(change.before),
        "after": facts(change.after),
        "packages": [
            {**vars(one), "status": one.status, "files": list(one.files), "wheels": list(one.wheels)}
            for one in change.packages
        ],
        "other_files": list(change.files),
    }
