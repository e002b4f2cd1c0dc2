"""The requirements of a project, of its extras and of its dependency groups, from its `pyproject.toml`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from venvstacks.model.file_references import RequirementsFrom
from venvstacks.model.foreign_files import (
    MOST_INCLUDED,
    FileContents,
    Texts,
    UnusableFileError,
    check_requirement,
    next_to,
    text_of,
)
from venvstacks.model.foreign_sources import (
    ForeignSource,
    is_member,
    limits_of_project,
    sources_of_project,
    workspace_files,
)
from venvstacks.model.stack import Gathered
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.model.uv_environments import ENVIRONMENT_KEYS

_MOST_LINES = 10_000
"""The most requirements that one extra may give: extras that include each other can repeat one exponentially often."""

_Line = tuple[str, tuple[str, ...]]
"""A requirement, and the markers of the requirements for extras that it comes from, the innermost first."""


class ProjectFile:
    """A `pyproject.toml`, and that of the workspace that the project is a member of.

    Args:
        path: Its path, relative to the specification.
        texts: The texts of files.
        folder: The specification's folder, as for `gather_requirements`.

    Raises:
        UnusableFileError: It is missing, or is no project.
    """

    def __init__(self, path: str, texts: Texts, folder: str) -> None:
        self.path = path
        self.document = _parsed(path, text_of(path, texts))
        self.root_path, self.root = _workspace(path, self.document, texts, folder)
        self.project = _table(self.document.get("project", {}), f"{path}: project")
        self.groups = _by_name(_table(self.document.get("dependency-groups", {}), f"{path}: dependency-groups"))
        self.extras = _by_name(_table(self.project.get("optional-dependencies", {}), f"{path}: optional-dependencies"))
        self.known_groups: dict[str, tuple[_Line, ...]] = {}
        self.known_extras: dict[str, tuple[_Line, ...]] = {}

    def contents(self, source: RequirementsFrom, *, as_constraints: bool) -> FileContents:
        """Everything that `source` takes from the project.

        Raises:
            UnusableFileError: The project has content that cannot be used here.
        """
        self._refuse_other_forms(source)
        lines = tuple(self.requirements(source))
        chosen = self.known_extras.keys() | self.known_groups.keys()
        sources: tuple[ForeignSource, ...] = tuple(sources_of_project(self.document, self.root, chosen, self._folders))
        gathered = [Gathered(source.label, lines, as_constraints, sources=sources)]
        if limits := self._limits("constraint-dependencies"):
            gathered.append(Gathered(f"{source.label}, constraint-dependencies", limits, is_constraint=True))
        files = (self.path, self.root_path) if self.root_path else (self.path,)
        environments = {key: limits_of_project(self.document, self.root, key) for key in ENVIRONMENT_KEYS}
        return FileContents(tuple(gathered), files, self._limits("override-dependencies"), environments)

    @property
    def _folders(self) -> tuple[str, str]:
        return posixpath.dirname(self.path), posixpath.dirname(self.root_path or "")

    def _refuse_other_forms(self, source: RequirementsFrom) -> None:
        """Refuse a project that has requirements where they are not read; one of groups alone needs no [project]."""
        tool = self.document.get("tool", {})
        poetry = isinstance(tool, dict) and "poetry" in tool
        groups_alone = bool(source.groups) and not source.extras and not poetry
        if "project" in self.document or not (source.dependencies or source.extras) or groups_alone:
            return
        raise UnusableFileError(
            f"{self.path} has no [project] table, and {'[tool.poetry]' if poetry else 'setup.py'} is not read: "
            "write [project] (PEP 621), or list the requirements in a requirements file"
        )

    def _limits(self, key: str) -> tuple[str, ...]:
        limits = limits_of_project(self.document, self.root, key)
        for line in limits:
            check_requirement(line, f"{self.path}: {key}")
        return limits

    def requirements(self, source: RequirementsFrom) -> Iterator[str]:
        """The requirements that `source` names, each once, in the order of the file."""
        found: dict[_Line, None] = {}
        if source.dependencies:
            found |= dict.fromkeys(self._of_project())
        for extra in source.extras:
            found |= dict.fromkeys(self._of_extra(extra, ()))
        for group in source.groups:
            found |= dict.fromkeys(self._of_group(group, ()))
        yield from dict.fromkeys(_under(line, markers) if markers else line for line, markers in found)

    def _of_project(self) -> Iterator[_Line]:
        self._refuse_dynamic("dependencies")
        yield from self._expanded(self.project.get("dependencies", []), "dependencies", ())

    # The result for an extra or a group is computed once: they may include each other in exponentially many ways.

    def _of_extra(self, extra: str, above: tuple[str, ...]) -> tuple[_Line, ...]:
        self._refuse_dynamic("optional-dependencies")
        entries = self._named(self.extras, extra, "extra", above)
        if _canonical(extra) not in self.known_extras:
            found = dict.fromkeys(self._expanded(entries, f"extra '{extra}'", (*above, _canonical(extra))))
            self.known_extras[_canonical(extra)] = tuple(found)
        return self.known_extras[_canonical(extra)]

    def _of_group(self, group: str, above: tuple[str, ...]) -> tuple[_Line, ...]:
        entries = self._named(self.groups, group, "dependency group", above)
        if _canonical(group) not in self.known_groups:
            found: dict[_Line, None] = {}
            for entry in entries:
                if isinstance(entry, dict) and set(entry) == {"include-group"}:
                    found |= dict.fromkeys(self._of_group(str(entry["include-group"]), (*above, _canonical(group))))
                else:
                    found |= dict.fromkeys(self._expanded([entry], f"group '{group}'", ()))
            self.known_groups[_canonical(group)] = tuple(found)
        return self.known_groups[_canonical(group)]

    def _named(self, known: Mapping[str, Sequence[Any]], name: str, what: str, above: tuple[str, ...]) -> Sequence[Any]:
        if _canonical(name) in above:
            raise UnusableFileError(f"{self.path}: {what} '{name}' includes itself, by way of {', '.join(above)}")
        if len(above) > MOST_INCLUDED:
            raise UnusableFileError(f"{self.path}: {what} '{name}' is included by more than {MOST_INCLUDED} others")
        if _canonical(name) not in known:
            listed = ", ".join(known) or "none"
            raise UnusableFileError(f"{self.path} has no {what} '{name}'; there are: {listed}")
        return known[_canonical(name)]

    def _expanded(self, entries: Any, what: str, above: tuple[str, ...]) -> Iterator[_Line]:  # noqa: ANN401
        """Requirements as they are; one for the project itself is replaced by those of its extras."""
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise UnusableFileError(f"{self.path}: {what} is not an array of requirements")
        own = _canonical(str(self.project.get("name", "")))
        for entry in entries:
            requirement = check_requirement(entry, f"{self.path}: {what}")
            if not own or _canonical(requirement.name) != own:
                yield entry, ()
                continue
            inner = [line for extra in sorted(requirement.extras) for line in self._of_extra(extra, above)]
            if len(inner) > _MOST_LINES:
                raise UnusableFileError(f"{self.path}: {what} gives more than {_MOST_LINES} requirements")
            marker = str(requirement.marker or "")
            yield from (
                (line, (*markers, marker) if marker not in ("", *markers) else markers) for line, markers in inner
            )

    def _refuse_dynamic(self, key: str) -> None:
        if key in self.project.get("dynamic", ()):
            raise UnusableFileError(
                f"{self.path}: the project's {key} are dynamic, so that only its build backend knows them"
            )


def _parsed(path: str, text: str) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except TomlError as error:
        raise UnusableFileError(f"{path}{f':{error.line}' if error.line else ''}: {error}") from None


def _workspace(path: str, document: Mapping[str, Any], texts: Texts, folder: str) -> tuple[str | None, dict[str, Any]]:
    """The root of the uv workspace that a project is a member of: its path and document; None and {} without one."""
    whole = next_to(f"{folder}/", path)
    if is_member(whole, whole, document) is not None:
        return None, {}  # it is a root itself
    for place in workspace_files(path):
        text = texts.get(place)
        if isinstance(text, str) and "workspace" in text:
            root = _parsed(place, text)
            if (member := is_member(whole, next_to(f"{folder}/", place), root)) is not None:
                return (place, root) if member else (None, {})
    return None, {}


def _under(line: str, markers: Iterable[str]) -> str:
    requirement = Requirement(line)
    text = str(requirement.marker or "")
    for marker in markers:
        text = f"({text}) and ({marker})" if text else marker
    requirement.marker = Marker(text)
    return str(requirement)


def _table(value: Any, what: str) -> dict[str, Any]:  # noqa: ANN401 - checked here
    if not isinstance(value, dict):
        raise UnusableFileError(f"{what} is not a table")
    return value


def _by_name(table: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    return {_canonical(name): entries if isinstance(entries, list) else [entries] for name, entries in table.items()}


def _canonical(name: str) -> str:
    return str(canonicalize_name(name))
