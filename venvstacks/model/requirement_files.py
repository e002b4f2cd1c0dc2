"""Requirements of other projects: from a `pyproject.toml` (PEP 621, PEP 735), a requirements file or a lock.

Pure: the caller passes the texts. `included_files` lists the further files that a text refers to, so that a reader
can fetch them; `gather_requirements` then reads everything.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvstacks.model.file_references import ConstraintsFrom, RequirementsFrom
from venvstacks.model.foreign_locks import read_foreign_lock
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
from venvstacks.model.wheel_addresses import address_fault
from venvstacks.urls import without_secrets

Texts = Mapping[str, str | ValueError | None]
"""Path relative to the specification's folder to the file's text; None where there is no such file, and an error where
its bytes are no text."""

_INCLUDE = re.compile(r"(?P<option>-r|--requirement|-c|--constraint)[ =]*(?P<path>\S+)")
_MOST_INCLUDED = 100
"""How deep files, extras and groups may include each other."""
_MOST_ABOVE = "../" * 16
"""Projects so far above the specification have no workspace."""
_MOST_LINES = 10_000
"""The most requirements that one extra may give: extras that include each other can repeat one exponentially often."""
_HARMLESS = ("--only-binary", "--no-binary", "--prefer-binary", "--trusted-host", "--require-hashes", "--use-feature")


class UnusableFileError(ValueError):
    """A file that requirements cannot be taken from; the message says why."""


@dataclass(frozen=True)
class FileContents:
    """The requirements that a reference to a file gives.

    Attributes:
        gathered: The requirements, and the constraints that the file brings with it.
        files: All files that were read.
        overrides: Requirements that replace what metadata says about their packages (PEP 508).
        environments: The markers of the project's `environments` and `required-environments`, by key.
    """

    gathered: tuple[Gathered, ...]
    files: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    environments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def gather_requirements(source: RequirementsFrom, texts: Texts) -> FileContents:
    """All requirements that one element of `requirements-from` or `constraints-from` gives.

    Raises:
        UnusableFileError: The file is missing, or has content that cannot be used here.
    """
    as_constraints = isinstance(source, ConstraintsFrom)
    if source.pyproject:
        return _Project(source.pyproject, texts).contents(source, as_constraints=as_constraints)
    if isinstance(source, ConstraintsFrom) and source.lock:
        lock = read_foreign_lock(source.lock, _text(source.lock, texts))
        found = Gathered(source.label, lock.pins, is_constraint=True, sources=lock.sources, files=lock.files)
        return FileContents((found,), (source.lock,))
    assert source.requirements  # noqa: S101 - the model has exactly one of them
    reader = _RequirementsFiles(texts)
    reader.read(source.requirements, is_constraint=as_constraints)
    parts = (
        Gathered(source.label, tuple(reader.requirements)),
        Gathered(source.label, tuple(reader.constraints), is_constraint=True),
    )
    return FileContents(tuple(part for part in parts if part.lines), tuple(reader.files))


def included_files(path: str, text: str) -> tuple[str, ...]:
    """Paths of the files that a requirements file names with `-r` and `-c`, and of a project's possible workspaces."""
    if posixpath.basename(path).endswith(".lock"):
        return ()
    if posixpath.basename(path).endswith(".toml"):
        return tuple(workspace_files(path)) if "[project" in text and not path.startswith(_MOST_ABOVE) else ()
    found = (_INCLUDE.match(line) for _, line in _logical_lines(text))
    return tuple(_beside(path, match["path"]) for match in found if match and "://" not in match["path"])


def _text(path: str, texts: Texts) -> str:
    text = texts.get(path)
    if text is None:
        raise UnusableFileError(f"there is no file '{path}'")
    if isinstance(text, ValueError):
        raise UnusableFileError(f"'{path}' cannot be read: {text}")
    return text


def _beside(path: str, other: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), other))


def check_requirement(text: str, place: str) -> Requirement:
    """A requirement that layers can have.

    Raises:
        UnusableFileError: It is not valid, or names a URL.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise UnusableFileError(f"{place}: '{text}' is not a requirement (PEP 508): {_first_line(error)}") from None
    if requirement.url and (address_fault(requirement) or not _is_absolute(requirement.url)):
        shown = without_secrets(text)
        raise UnusableFileError(
            f"{place}: '{shown}' names a URL that is no wheel; build its wheel and use --local-wheels"
        )
    return requirement


def _is_absolute(url: str) -> bool:
    return "://" in url


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


class _RequirementsFiles:
    """pip's requirements file format, without its options for installing."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.requirements: dict[str, None] = {}
        self.constraints: dict[str, None] = {}
        self.files: dict[str, None] = {}

    def read(self, path: str, *, is_constraint: bool, depth: int = 0) -> None:
        if path in self.files:
            return
        if depth > _MOST_INCLUDED:
            raise UnusableFileError(f"'{path}' is included by more than {_MOST_INCLUDED} others")
        self.files[path] = None
        for number, line in _logical_lines(_text(path, self.texts)):
            self._read_line(path, f"{path}:{number}", line, is_constraint=is_constraint, depth=depth)

    def _read_line(self, path: str, place: str, line: str, *, is_constraint: bool, depth: int) -> None:
        if match := _INCLUDE.match(line):
            if "://" in match["path"]:
                raise UnusableFileError(f"{place}: '{line}' names a URL; keep a copy of that file")
            constrains = is_constraint or match["option"] in {"-c", "--constraint"}
            self.read(_beside(path, match["path"]), is_constraint=constrains, depth=depth + 1)
        elif line.startswith("-"):
            if not line.startswith(_HARMLESS):
                raise UnusableFileError(
                    f"{place}: '{line}' has no effect here; indexes and the like are declared in [tool.uv]"
                )
        else:
            text = re.split(r"\s+--hash[ =]", line)[0]
            check_requirement(text, place)
            (self.constraints if is_constraint else self.requirements)[text] = None


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, continued ones joined, without comments and blank ones."""
    joined, first = "", 0
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        first = first or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1]
            continue
        whole = re.sub(r"(^|\s+)#.*$", "", joined + line).strip()
        if whole:
            yield first, whole
        joined, first = "", 0


class _Project:
    """The requirements of a project, of its extras and of its dependency groups."""

    def __init__(self, path: str, texts: Texts) -> None:
        self.path = path
        self.document = _parsed(path, _text(path, texts))
        self.root_path, self.root = _workspace(path, self.document, texts)
        self.project = _table(self.document.get("project", {}), f"{path}: project")
        self.groups = _by_name(_table(self.document.get("dependency-groups", {}), f"{path}: dependency-groups"))
        self.extras = _by_name(_table(self.project.get("optional-dependencies", {}), f"{path}: optional-dependencies"))
        self.known_groups: dict[str, tuple[str, ...]] = {}
        self.known_extras: dict[str, tuple[str, ...]] = {}

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
        found: dict[str, None] = {}
        if source.dependencies:
            found |= dict.fromkeys(self._of_project())
        for extra in source.extras:
            found |= dict.fromkeys(self._of_extra(extra, ()))
        for group in source.groups:
            found |= dict.fromkeys(self._of_group(group, ()))
        yield from found

    def _of_project(self) -> Iterator[str]:
        self._refuse_dynamic("dependencies")
        yield from self._expanded(self.project.get("dependencies", []), "dependencies", ())

    # The result for an extra or a group is computed once: they may include each other in exponentially many ways.

    def _of_extra(self, extra: str, above: tuple[str, ...]) -> tuple[str, ...]:
        self._refuse_dynamic("optional-dependencies")
        entries = self._named(self.extras, extra, "extra", above)
        if _canonical(extra) not in self.known_extras:
            found = dict.fromkeys(self._expanded(entries, f"extra '{extra}'", (*above, _canonical(extra))))
            self.known_extras[_canonical(extra)] = tuple(found)
        return self.known_extras[_canonical(extra)]

    def _of_group(self, group: str, above: tuple[str, ...]) -> tuple[str, ...]:
        entries = self._named(self.groups, group, "dependency group", above)
        if _canonical(group) not in self.known_groups:
            found: dict[str, None] = {}
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
        if len(above) > _MOST_INCLUDED:
            raise UnusableFileError(f"{self.path}: {what} '{name}' is included by more than {_MOST_INCLUDED} others")
        if _canonical(name) not in known:
            listed = ", ".join(known) or "none"
            raise UnusableFileError(f"{self.path} has no {what} '{name}'; there are: {listed}")
        return known[_canonical(name)]

    def _expanded(self, entries: Any, what: str, above: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401
        """Requirements as they are; one for the project itself is replaced by those of its extras."""
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise UnusableFileError(f"{self.path}: {what} is not an array of requirements")
        own = _canonical(str(self.project.get("name", "")))
        for entry in entries:
            requirement = check_requirement(entry, f"{self.path}: {what}")
            if not own or _canonical(requirement.name) != own:
                yield entry
                continue
            inner = [line for extra in sorted(requirement.extras) for line in self._of_extra(extra, above)]
            if len(inner) > _MOST_LINES:
                raise UnusableFileError(f"{self.path}: {what} gives more than {_MOST_LINES} requirements")
            yield from (_under(line, requirement.marker) for line in inner)

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


def _workspace(path: str, document: Mapping[str, Any], texts: Texts) -> tuple[str | None, dict[str, Any]]:
    """The root of the uv workspace that a project is a member of: its path and document; None and {} without one."""
    if is_member(path, path, document) is not None:
        return None, {}  # it is a root itself
    for place in workspace_files(path):
        text = texts.get(place)
        if isinstance(text, str) and "workspace" in text:
            root = _parsed(place, text)
            if (member := is_member(path, place, root)) is not None:
                return (place, root) if member else (None, {})
    return None, {}


def _under(line: str, marker: Marker | None) -> str:
    if marker is None:
        return line
    requirement = Requirement(line)
    requirement.marker = Marker(f"({requirement.marker}) and ({marker})" if requirement.marker else str(marker))
    return str(requirement)


def _table(value: Any, what: str) -> dict[str, Any]:  # noqa: ANN401 - checked here
    if not isinstance(value, dict):
        raise UnusableFileError(f"{what} is not a table")
    return value


def _by_name(table: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    return {_canonical(name): entries if isinstance(entries, list) else [entries] for name, entries in table.items()}


def _canonical(name: str) -> str:
    return str(canonicalize_name(name))
