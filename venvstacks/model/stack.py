"""Layers and stacks, complete and frozen: every reference is an object, nothing is half-built.

Only `resolve` makes these, so every one has been checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from venvstacks.model.conventions import LayerKind
from venvstacks.model.foreign_sources import ForeignSource, LockedFile
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.specification import ToolSettings, UvTable

ENV_PREFIXES: Mapping[LayerKind, str] = {"runtime": "", "framework": "framework-", "application": "app-"}


@dataclass(frozen=True)
class SourceTree:
    """A launch or support module, or another file or folder of an application, as it is on disk.

    Attributes:
        path: As written in the specification, relative to its folder or absolute, forward slashes.
        is_package: Whether it is a folder; else it is one file.
        files: The files that belong to it (what git ignores is left out), relative to `path`, sorted; for a single
            file the empty string alone.
        executable: Those of `files` that are shipped as executable.
    """

    path: str
    is_package: bool
    files: tuple[str, ...]
    executable: frozenset[str] = frozenset()

    @property
    def module(self) -> str:
        """The name under which it is imported, if it is a module: the file's or folder's without a suffix."""
        return PurePosixPath(self.path).stem

    @property
    def is_importable(self) -> bool:
        """Whether Python finds it by that name: a folder, or a file of Python code."""
        return PurePosixPath(self.path).suffix == ("" if self.is_package else ".py")

    @property
    def is_startable(self) -> bool:
        """Whether `python -m` starts it."""
        return self.is_importable and (not self.is_package or "__main__.py" in self.files)

    @property
    def file_paths(self) -> tuple[str, ...]:
        """All its files relative to the specification's folder."""
        return tuple(self.place_of(name) for name in self.files)

    def place_of(self, name: str) -> str:
        """One of its files relative to the specification's folder."""
        return f"{self.path.rstrip('/')}/{name}" if name else self.path


@dataclass(frozen=True)
class Gathered:
    """Requirements or constraints that a file of another project holds.

    Attributes:
        origin: The file, as the specification names it, and what was taken from it.
        lines: PEP 508 strings.
        is_constraint: Whether they only limit versions, instead of asking for packages.
        sources: Where that project takes packages from, if not from its default index.
        files: The files that it lists with their hashes, if it is a lock.
    """

    origin: str
    lines: tuple[str, ...]
    is_constraint: bool = False
    sources: tuple[ForeignSource, ...] = ()
    files: tuple[LockedFile, ...] = ()


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
        versioned: Whether its deployed name carries its lock version.
        dynlib_exclude: Globs of shared libraries that are not linked.
        dynlib_path: Whether its Python finds all shared libraries of the layers below by name.
        package_indexes: Distribution name to named index, own and inherited.
        priority_indexes: Named indexes that this layer asks first.
        runtime: The runtime below; None for runtimes.
        frameworks: All frameworks below in import order (C3), nearest first.
        launch: The launch module, for applications.
        support: The support modules, for applications.
        gathered: What was read from other files.
        input_files: All files that this was read from, relative to the specification's folder.
        exclude: Normalised names of distributions that are resolved but not installed.
        overrides: PEP 508 strings that replace what any metadata says about their packages, own and inherited.
        align_versions: Whether locking seeks one version of each package for all targets.
    """

    kind: LayerKind
    name: str
    requirements: tuple[str, ...]
    python: PythonImplementation
    platforms: tuple[TargetPlatform, ...]
    glibc: str
    macos: str
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
    def sources(self) -> tuple[SourceTree, ...]:
        """Launch module and support modules."""
        return ((self.launch,) if self.launch else ()) + self.support

    def deployed_name(self, lock_version: int) -> str:
        """Name of the folder on the target machine: the environment's, with `@<version>` where versioned."""
        return f"{self.env_name}@{lock_version}" if self.versioned else self.env_name

    def __repr__(self) -> str:
        return f"<Layer {self.env_name}>"


def nearest(below: Sequence[Layer]) -> tuple[Layer, ...]:
    """Those of some layers (in import order) that none of the others needs."""
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
        source: What the specification file is called in messages.
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
