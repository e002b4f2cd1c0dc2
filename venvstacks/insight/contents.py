"""The contents of the layers of one stack: what all commands that look into stacks work on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Literal

from venvstacks.deployment.offers import OfferedFile, OfferedLayer, find_application
from venvstacks.digests import TreeEntry
from venvstacks.errors import UsageError
from venvstacks.model.conventions import LayerKind
from venvstacks.records.package_lists import ListedPackage
from venvstacks.suggestions import suggestion

Origin = Literal["publication", "project", "locks"]
"""Where contents come from: published archives, the environments and locks of a project, or locks alone."""

APPLICATION_PREFIX = "app-"


@dataclass(frozen=True)
class LayerContents:
    """What is known about one layer.

    Attributes:
        name: Environment name.
        target: Deployed name.
        kind: Runtime, framework or application.
        python: `cpython@X.Y.Z`; empty if it is not known.
        platform: Name of its target platform; empty if it is not known.
        lower: Deployed names of all layers below, in import order, the runtime last.
        declared: Its own requirements (PEP 508).
        packages: What is installed in it, sorted by name.
        files: All of its files and links; empty if they are not known.
        archive: Its published archive, if there is one.
        offered: It as its publication offers it, with deltas; None for layers of projects and locks.
        locked_at: When it was locked, ISO 8601; empty if it is not known.
        version: Version of its lock; 0 if it is not known.
        source: For runtimes: the provider of the Python and the provider's name for it.
        notes: What could not be found out, in sentences without the layer's name.
    """

    name: str
    target: str
    kind: LayerKind
    python: str = ""
    platform: str = ""
    lower: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    packages: tuple[ListedPackage, ...] = ()
    files: tuple[TreeEntry, ...] = ()
    archive: OfferedFile | None = None
    offered: OfferedLayer | None = None
    locked_at: str = ""
    version: int = 0
    source: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, ListedPackage]:
        """Its packages by normalised name."""
        return {package.name: package for package in self.packages}

    @cached_property
    def by_path(self) -> Mapping[str, TreeEntry]:
        """Its files and links by path."""
        return {entry.path: entry for entry in self.files}

    @cached_property
    def size(self) -> int | None:
        """Bytes of all files; None if they are not known."""
        return sum(entry.size for entry in self.files) if self.files else None

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """Path to the name of the package that brings it; files of nobody are left out."""
        return {path: package.name for package in self.packages for path in package.files}

    @cached_property
    def package_sizes(self) -> Mapping[str, int | None]:
        """Bytes of the files of each package; of its wheel where files are not known, and None if that is not either.

        The empty name stands for files that belong to no package: Python itself, launch modules, links.
        """
        if not self.files:
            return {package.name: package.wheel.size if package.wheel else None for package in self.packages}
        sizes: dict[str, int | None] = {package.name: 0 if package.files else None for package in self.packages}
        for entry in self.files:
            owner = self.owners.get(entry.path, "")
            sizes[owner] = (sizes.get(owner) or 0) + entry.size
        return sizes

    @property
    def application(self) -> str:
        """The application's name, as users give it."""
        return self.name.removeprefix(APPLICATION_PREFIX)


@dataclass(frozen=True)
class StackContents:
    """The contents of all layers of a stack.

    Attributes:
        label: Folder, URL or revision, for people.
        origin: Where they come from.
        layers: The layers, those below first.
    """

    label: str
    origin: Origin
    layers: tuple[LayerContents, ...]

    @cached_property
    def by_target(self) -> Mapping[str, LayerContents]:
        """Layers by deployed name."""
        return {layer.target: layer for layer in self.layers}

    @cached_property
    def by_name(self) -> Mapping[str, LayerContents]:
        """Layers by environment name."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def applications(self) -> Mapping[str, LayerContents]:
        """Applications by their layers' names, sorted."""
        found = {layer.application: layer for layer in self.layers if layer.kind == "application"}
        return dict(sorted(found.items()))

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be found out, each once, after the names of the layers that it is about."""
        about: dict[str, list[str]] = {}
        for layer in self.layers:
            for note in layer.notes:
                about.setdefault(note, []).append(layer.name)
        return tuple(f"{', '.join(names)}: {note}" for note, names in about.items())

    def view(self, layer: LayerContents) -> tuple[LayerContents, ...]:
        """A layer and all layers below it, in import order."""
        return (layer, *(self.by_target[target] for target in layer.lower if target in self.by_target))

    def application_layers(self, name: str) -> tuple[LayerContents, ...]:
        """The layers that the users of an application have: itself and all below, in import order.

        Raises:
            UsageError: There is no such application.
        """
        found = find_application(name, self.applications)
        if found is None:
            known = ", ".join(self.applications) or "none"
            raise UsageError(f"{self.label} has no application '{name}'", hint=f"it has: {known}")
        return self.view(self.applications[found])

    def of(self, layers: Iterable[LayerContents]) -> StackContents:
        """The same with some of the layers alone."""
        return StackContents(self.label, self.origin, tuple(layers))

    def holders(self, package: str) -> tuple[tuple[LayerContents, ListedPackage], ...]:
        """The layers that hold a package, with it."""
        return tuple((layer, layer.by_name[package]) for layer in self.layers if package in layer.by_name)

    @cached_property
    def package_names(self) -> frozenset[str]:
        """Names of all packages."""
        return frozenset(name for layer in self.layers for name in layer.by_name)

    def require_package(self, package: str) -> None:
        """Check that some layer holds a package.

        Raises:
            UsageError: None does.
        """
        if package not in self.package_names:
            hint = suggestion(package, sorted(self.package_names), otherwise="`venvstacks tree` lists all packages")
            raise UsageError(f"no layer of {self.label} holds the package '{package}'", hint=hint)

    def chosen(self, patterns: Sequence[str]) -> tuple[LayerContents, ...]:
        """The layers whose names fit one of some patterns; all for no pattern.

        Raises:
            UsageError: A pattern fits none.
        """
        for pattern in patterns:
            if not any(fnmatchcase(layer.name, pattern) for layer in self.layers):
                hint = suggestion(pattern, self.by_name, otherwise=f"there are: {', '.join(self.by_name)}")
                raise UsageError(f"no layer fits '{pattern}'", hint=hint)
        return tuple(
            layer for layer in self.layers if not patterns or any(fnmatchcase(layer.name, one) for one in patterns)
        )


def lowest_first(layers: Iterable[LayerContents]) -> tuple[LayerContents, ...]:
    """Layers in the order of the kinds, and those below before those above; otherwise as they come."""
    kinds: dict[LayerKind, int] = {"runtime": 0, "framework": 1, "application": 2}
    return tuple(sorted(layers, key=lambda layer: (kinds[layer.kind], len(layer.lower))))
