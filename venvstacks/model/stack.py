"""Layers and stacks: complete, frozen values in which every reference is an object.

Only `resolve` makes these, so every one has been checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from venvstacks.model.conventions import LayerKind
from venvstacks.model.launches import Launch
from venvstacks.model.own_packages import OwnPackage, OwnUse
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.specification import ToolSettings, UvTable

if TYPE_CHECKING:
    from venvstacks.model.desktop_table import DesktopTable
    from venvstacks.model.foreign_sources import ForeignSource, LockedFile

ENV_PREFIXES: Mapping[LayerKind, str] = {"runtime": "", "framework": "framework-", "application": "app-"}


@dataclass(frozen=True)
class Gathered:
    """Requirements or constraints that a file of another project holds.

    Attributes:
        origin: The file, as the specification names it, and what was taken from it.
        lines: PEP 508 strings.
        is_constraint: Whether they only limit versions, instead of asking for packages.
        sources: The sources of packages that the project does not take from its default index.
        files: The files that it lists with their hashes, if it is a lock.
        hashes: By normalised name, the SHA-256 sums that files of a package may have; packages without an entry may
            have any.
    """

    origin: str
    lines: tuple[str, ...]
    is_constraint: bool = False
    sources: tuple[ForeignSource, ...] = ()
    files: tuple[LockedFile, ...] = ()
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a stack.

    Attributes:
        kind: Runtime, framework or application.
        name: As declared; references use it.
        requirements: PEP 508 strings: as declared, then those from other files.
        python: The Python of its runtime.
        platforms: Target platforms that it is locked for, in the order of the table of platforms; empty: disabled.
        glibc: Oldest glibc that its Linux wheels may need, `X.Y`.
        macos: Oldest macOS that its wheels may need, `X.Y`.
        targets_alone: Where `glibc` or `macos` is that of a layer below: what it would be without those layers.
        versioned: Whether its deployed name carries its lock version.
        dynlib_exclude: Globs of shared libraries that are not linked.
        dynlib_path: Whether its Python finds all shared libraries of the layers below by name.
        package_indexes: Distribution name to named index, own and inherited.
        priority_indexes: Named indexes that this layer asks first.
        runtime: The runtime below; None for runtimes.
        frameworks: All frameworks below in import order (C3), nearest first.
        launch: The launch module, for applications that have one of their own.
        support: The support modules, for applications.
        gathered: Requirements and constraints from other files.
        input_files: All files that this was read from, relative to the specification's folder.
        exclude: Normalised names of distributions that are resolved but not installed.
        overrides: PEP 508 strings that replace what any metadata says about their packages, own and inherited.
        align_versions: Whether locking seeks one version of each package for all targets.
        own: The packages that it takes from source, where it needs them.
        launches: For applications that launch what a package brings: the ways to do so, the usual one first.
        desktop: How desktops show an application.
        python_series: For runtimes that name a series, `cpython@3.12`: that series, of which `python` is a release.
    """

    kind: LayerKind
    name: str
    requirements: tuple[str, ...]
    python: PythonImplementation
    platforms: tuple[TargetPlatform, ...]
    glibc: str
    macos: str
    targets_alone: Mapping[str, str] = field(default_factory=dict)
    versioned: bool = False
    dynlib_exclude: tuple[str, ...] = ()
    dynlib_path: bool = False
    package_indexes: Mapping[str, str] = field(default_factory=dict)
    priority_indexes: tuple[str, ...] = ()
    runtime: Layer | None = None
    frameworks: tuple[Layer, ...] = ()
    launch: SourceTree | None = None
    support: tuple[SourceTree, ...] = ()
    gathered: tuple[Gathered, ...] = ()
    input_files: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    align_versions: bool = False
    own: tuple[OwnUse, ...] = ()
    launches: tuple[Launch, ...] = ()
    desktop: DesktopTable | None = None
    python_series: str | None = None

    @property
    def declared(self) -> tuple[str, ...]:
        """The requirements in the specification itself."""
        others = sum(len(found.lines) for found in self.gathered if not found.is_constraint)
        return self.requirements[: len(self.requirements) - others]

    @property
    def constraints(self) -> tuple[str, ...]:
        """All constraints from other files."""
        return tuple(line for found in self.gathered if found.is_constraint for line in found.lines)

    @cached_property
    def env_name(self) -> str:
        """Name of the environment: folder, task and file names are made of it."""
        return ENV_PREFIXES[self.kind] + self.name

    @cached_property
    def below(self) -> tuple[Layer, ...]:
        """All layers below in the order in which imports find them: frameworks, then the runtime."""
        return self.frameworks if self.runtime is None else (*self.frameworks, self.runtime)

    @property
    def launch_module(self) -> str | None:
        """The module that `python -m` runs to start an application; None for other layers."""
        return self.launch.module if self.launch else next((launch.module for launch in self.launches), None)

    @property
    def launch_names(self) -> dict[str, str]:
        """The modules that start an application that has names for several, by name."""
        named = [launch for launch in self.launches if launch.name != self.name or len(self.launches) > 1]
        return {launch.name: launch.module for launch in named}

    @property
    def sources(self) -> tuple[SourceTree, ...]:
        """Launch module and support modules."""
        return ((self.launch,) if self.launch else ()) + self.support

    def deployed_name(self, lock_version: int) -> str:
        """Name of the folder on the target machine: the environment's, with `@<version>` where versioned."""
        return f"{self.env_name}@{lock_version}" if self.versioned else self.env_name

    def __repr__(self) -> str:
        return f"<Layer {self.env_name}>"


def nearest(below: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers of `below` (in import order) that no other of them is built on."""
    found: list[Layer] = []
    covered: set[Layer] = set()
    for layer in below:  # in import order, a layer comes before those below it
        if layer not in covered:
            found.append(layer)
            covered.update(layer.below)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Stack:
    """A whole stack.

    Attributes:
        source: The specification file's name in messages.
        layers: Runtimes, frameworks, applications, each in declared order; disabled layers are among them.
        settings: `[tool.venvstacks]`.
        uv: uv settings (`[tool.uv]` or `venvstacks.uv.toml`), as written.
        warnings: Sentences about deprecated keys.
    """

    source: str
    layers: tuple[Layer, ...]
    settings: ToolSettings
    uv: UvTable
    warnings: tuple[str, ...] = ()

    @cached_property
    def by_env_name(self) -> Mapping[str, Layer]:
        """Layers by environment name."""
        return {layer.env_name: layer for layer in self.layers}

    @cached_property
    def own_packages(self) -> Mapping[str, OwnPackage]:
        """The packages whose wheels are built, each once for each Python, by label: the name of its task.

        That is the package's name, with the Python where several build it, and with a number where it has several
        sources.
        """
        uses = [use.package for layer in self.layers if layer.platforms for use in layer.own]
        unique = [package for package in dict.fromkeys(uses) if not package.is_wheel]
        found: dict[str, OwnPackage] = {}
        for package in unique:
            same = [other for other in unique if other.name == package.name]
            sources = list(dict.fromkeys(other.source for other in same))
            label = package.name
            if len({other.python for other in same}) > 1:
                label += f"@{package.python.name}-{package.python.version}"
            if len(sources) > 1:
                label += f"@{sources.index(package.source) + 1}"
            found[label] = package
        return found

    def built_for(self, layer: Layer, *, with_lower: bool = True) -> dict[str, OwnPackage]:
        """The packages with wheels to build that a layer, or also one below it, takes from source, by label."""
        used = {use.package for other in (layer, *(layer.below if with_lower else ())) for use in other.own}
        return {label: package for label, package in self.own_packages.items() if package in used}
