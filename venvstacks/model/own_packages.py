"""Own packages: packages that layers need and that tasks build from source, worked out from what names the sources.

A source holds for the packages that a layer requires itself, and for those that the projects in folders among them
require: other packages that need one are an error when they are locked (`actions/locking/own_wheels`), because nobody
can know them before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from venvstacks.model.markers import holds
from venvstacks.model.platforms import PythonImplementation, TargetPlatform
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.sources import Source, Sources, names_wheel, source_of


@dataclass(frozen=True)
class GitVersion:
    """What a project in a git repository takes its version from.

    Attributes:
        prefix: Its folder within the work tree; empty for the top.
        tag: The newest tag that the present commit has behind it; None if there is none.
    """

    prefix: str
    tag: str | None = None


@dataclass(frozen=True)
class ProjectFolder:
    """The folder of a project that is a source.

    Attributes:
        tree: The files that its build may read: what git tracks or does not ignore.
        requirements: What the project requires, with all of its extras (PEP 508).
        sources: Where it takes them from, as the specification would write it.
        git_version: What its version is taken from, if that is git.
    """

    tree: SourceTree
    requirements: tuple[str, ...] = ()
    sources: Sources = field(default_factory=dict)
    git_version: GitVersion | None = None


@dataclass(frozen=True)
class Projects:
    """What is on disk of the sources that are named.

    Attributes:
        folders: Projects by the path that a source gives; None where there is neither a folder nor a file.
        members: Folders of the members of the uv workspace around the specification, by normalised name.
    """

    folders: Mapping[str, ProjectFolder | None] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)

    def located(self, name: str, source: Source) -> Source:
        """The source of a package, a member of the workspace by its folder.

        Raises:
            ValueError: There is no such member, folder or file; the message says so.
        """
        if source.kind == "workspace":
            if name not in self.members:
                known = ", ".join(sorted(self.members)) or "none"
                raise ValueError(f"'{name}' is not a member of a uv workspace around the specification ({known})")
            source = Source(path=self.members[name])
        if source.path is not None and self.folders.get(source.path) is None:
            raise ValueError(f"there is no project or archive '{source.path}'")
        return source


@dataclass(frozen=True)
class OwnPackage:
    """A package and the source of its wheel, for one Python.

    Attributes:
        name: Normalised name of the distribution.
        source: Where its source is: path, git or url.
        python: The Python that builds it, and that it is built for.
        tree: The files of the source, where it is a folder or one file.
        git_version: What the project in that folder takes its version from, if that is git.
    """

    name: str
    source: Source
    python: PythonImplementation
    tree: SourceTree | None = None
    git_version: GitVersion | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether the source is a wheel already, so that nothing is to be built."""
        return names_wheel(self.source.path or self.source.url or "")


@dataclass(frozen=True)
class OwnUse:
    """An own package in a layer.

    Attributes:
        package: The package.
        targets: Names of the target platforms on which the layer takes it from that source.
    """

    package: OwnPackage
    targets: tuple[str, ...]


def find_own_packages(
    requirements: Iterable[str],
    declared: Sources,
    projects: Projects,
    python: PythonImplementation,
    platforms: Iterable[TargetPlatform],
) -> tuple[OwnUse, ...]:
    """The own packages of a layer, sorted by name; those for disjoint platforms one after the other.

    Args:
        requirements: What the layer requires (PEP 508).
        declared: Sources that the specification declares.
        projects: What is on disk.
        python: The layer's Python.
        platforms: The layer's target platforms.

    Raises:
        ValueError: A source is not there; the message names package and source.
    """
    found: dict[tuple[str, Source], list[str]] = {}
    for target in platforms:
        environment = target.marker_environment(python)
        chosen: dict[str, Source] = {}
        _follow(requirements, declared, projects, (environment, chosen))
        for name, source in chosen.items():
            found.setdefault((name, source), []).append(target.name)
    return tuple(
        OwnUse(_package(name, source, python, projects), tuple(targets))
        for (name, source), targets in sorted(found.items(), key=lambda item: item[0][0])
    )


_Chosen = tuple[Mapping[str, str], dict[str, Source]]
"""The values of markers, and the sources that were chosen so far."""


def _follow(requirements: Iterable[str], declared: Sources, projects: Projects, state: _Chosen) -> None:
    """Add the sources of `requirements`, and of what projects in folders among them require, to those chosen.

    What is required first keeps its source: the specification's requirements go before those of projects.
    """
    environment, chosen = state
    inner: list[tuple[ProjectFolder, Sources]] = []
    for name, source in _named_sources(requirements, declared, environment):
        if name in chosen or source.kind == "index":
            continue
        try:
            located = projects.located(name, source)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        chosen[name] = located.model_copy(update={"marker": None, "editable": None, "package": None})
        if located.path is not None and (project := projects.folders.get(located.path)):
            inner.append((project, {**project.sources, **declared}))
    for project, sources in inner:
        _follow(project.requirements, sources, projects, state)


def _named_sources(
    requirements: Iterable[str], declared: Sources, environment: Mapping[str, str]
) -> Iterator[tuple[str, Source]]:
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker and not holds(requirement.marker, {**environment, "extra": ""}):
            continue
        name = str(canonicalize_name(requirement.name))
        if requirement.url is not None:
            if (own := source_of(requirement)) is not None:
                yield name, own
            continue
        source = next((source for source in declared.get(name, ()) if source.holds(environment)), None)
        if source is not None:
            yield name, source


def _package(name: str, source: Source, python: PythonImplementation, projects: Projects) -> OwnPackage:
    project = projects.folders.get(source.path) if source.path is not None else None
    if project is None:
        return OwnPackage(name, source, python)
    return OwnPackage(name, source, python, project.tree, project.git_version)
