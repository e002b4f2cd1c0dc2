"""Sources of packages in uv's words: the tables of `[tool.uv.sources]`, and PEP 508 references to what is no wheel.

A source says where a package comes from instead of the usual indexes: from another index, or from source code, out of
which a task builds its wheel. Nothing is ever built that no source names.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import AfterValidator, Field, ValidationError, model_validator

from venvstacks.data_faults import sentence
from venvstacks.model.markers import holds
from venvstacks.model.positions import KeyPath
from venvstacks.model.relative_paths import has_odd_characters, leads_out
from venvstacks.model.tables import RefusedValueError, Table
from venvstacks.urls import without_logins

SourceKind = Literal["index", "path", "git", "url", "workspace"]

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
"""Ends of the names of archives that hold source code."""

_KINDS: tuple[SourceKind, ...] = ("index", "path", "git", "url", "workspace")
_GIT_SCHEMES = ("https", "http", "ssh", "file", "git")
_REFERENCES = ("rev", "tag", "branch")
_FORMS = '{ path = "..." }, { git = "...", tag = "..." }, { url = "..." }, { workspace = true } or { index = "..." }'


def _marker(value: str) -> str:
    try:
        return str(Marker(value))
    except InvalidMarker as error:
        raise ValueError(f"'{value}' is not a marker: {str(error).splitlines()[0]}") from None


def _subdirectory(value: str) -> str:
    if leads_out(value) or has_odd_characters(value) or "\\" in value:
        raise ValueError(f"'{value}' is not a folder within the source")
    return posixpath.normpath(value)


def _path(value: str) -> str:
    if not value.strip() or "\\" in value or has_odd_characters(value):
        raise ValueError(f"{value!r} is not a path written with forward slashes")
    return posixpath.normpath(value)


def _revision(value: str) -> str:
    if not re.fullmatch(r"[^\s\x00-\x1f\x7f~^:?*\[\\-][^\s\x00-\x1f\x7f~^:?*\[\\]*", value) or ".." in value:
        raise ValueError(f"{value!r} is not the name of a commit, tag or branch")
    return value


def _repository(value: str) -> str:
    scheme = urlsplit(value).scheme
    if scheme not in _GIT_SCHEMES:
        raise RefusedValueError(
            f"'{value}' is not the URL of a git repository",
            f"write https://, ssh:// or file:// and the place; known schemes are {', '.join(_GIT_SCHEMES)}",
        )
    return value


def _url(value: str) -> str:
    if urlsplit(value).scheme not in {"https", "http"}:
        raise RefusedValueError(
            f"'{value}' is not an https or http URL", 'write path = "..." for a file of this machine'
        )
    return value


_Revision = Annotated[str, AfterValidator(_revision)]


class Source(Table):
    """Where one package comes from: exactly one of index, path, git, url and workspace, and what belongs to it."""

    index: str | None = Field(None, description="Name of an index in [[tool.uv.index]]")
    path: Annotated[str, AfterValidator(_path)] | None = Field(
        None, description="Folder of a project, archive of its source, or wheel, relative to the specification"
    )
    git: Annotated[str, AfterValidator(_repository)] | None = Field(None, description="URL of a git repository")
    url: Annotated[str, AfterValidator(_url)] | None = Field(
        None, description="URL of a wheel or of an archive of source code"
    )
    workspace: bool | None = Field(None, description="The package is a member of the uv workspace around it")
    rev: _Revision | None = Field(None, description="Commit, or any other revision of the repository")
    tag: _Revision | None = Field(None, description="Tag of the repository")
    branch: _Revision | None = Field(None, description="Branch of the repository; its commit is locked")
    subdirectory: Annotated[str, AfterValidator(_subdirectory)] | None = Field(
        None, description="Folder of the project within the repository or archive"
    )
    marker: Annotated[str, AfterValidator(_marker)] | None = Field(None, description="Where this source is used")
    editable: bool | None = Field(None, description="For uv; layers hold built wheels in any case")
    package: bool | None = Field(None, description="For uv; every source is built as a package here")
    extra: str | None = Field(None, description="For uv's projects: the extra that this source is for")
    group: str | None = Field(None, description="For uv's projects: the dependency group that this source is for")

    @property
    def kind(self) -> SourceKind:
        """Which of the five it is."""
        return next(kind for kind in _KINDS if getattr(self, kind) is not None)

    @property
    def revision(self) -> str | None:
        """The commit, tag or branch of a git repository; None for its default branch."""
        return self.rev or self.tag or self.branch

    @property
    def label(self) -> str:
        """What messages call it; without credentials."""
        place = without_logins(str(getattr(self, self.kind)))
        text = "the workspace" if self.kind == "workspace" else f"{self.kind} {place}"
        text += f"@{self.revision}" if self.revision else ""
        return f"{text} ({self.subdirectory})" if self.subdirectory else text

    @property
    def address(self) -> str:
        """The URL of an archive or wheel, without its fragment."""
        return (self.url or "").partition("#")[0]

    @property
    def sha256(self) -> str | None:
        """The SHA-256 that a URL names in its fragment."""
        return next(iter(parse_qs((self.url or "").partition("#")[2]).get("sha256", [])), None)

    def holds(self, environment: Mapping[str, str]) -> bool:
        """Whether it is used where markers have these values."""
        return self.marker is None or holds(self.marker, {**environment, "extra": ""})

    def seen_from(self, folder: str) -> Source:
        """This source, which a project in `folder` names, with paths as the specification would write them."""
        return self if self.path is None else self.model_copy(update={"path": _path(posixpath.join(folder, self.path))})

    @model_validator(mode="after")
    def _one_kind(self) -> Source:
        named = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(named) != 1:
            raise RefusedValueError(f"exactly one of {', '.join(_KINDS)} must be given", f"write {_FORMS}")
        if self.workspace is False:
            raise RefusedValueError("'workspace' can only be true", f"write {_FORMS}")
        revisions = [key for key in _REFERENCES if getattr(self, key) is not None]
        if revisions and named != ["git"]:
            raise RefusedValueError(f"'{revisions[0]}' belongs to a git repository", "name it with git = ...")
        if len(revisions) > 1:
            raise RefusedValueError(f"both '{revisions[0]}' and '{revisions[1]}' are given", "keep one of them")
        if self.subdirectory and named[0] not in {"git", "url", "path"}:
            raise RefusedValueError("'subdirectory' belongs to a repository or an archive", "leave it out")
        return self


Sources = Mapping[str, tuple[Source, ...]]
"""Sources by normalised package name; more than one where markers choose between them."""


def parse_sources(table: object) -> tuple[dict[str, tuple[Source, ...]], list[tuple[KeyPath, str, str]]]:
    """Read a table `[tool.uv.sources]`.

    Returns:
        The sources that are right, and for everything else (key path below the table, message, hint).
    """
    if not isinstance(table, dict):
        return {}, [((), "must be a table", f"write <package> = {_FORMS}")]
    found: dict[str, tuple[Source, ...]] = {}
    faults: list[tuple[KeyPath, str, str]] = []
    spellings: dict[str, str] = {}
    for package, value in table.items():
        name = str(canonicalize_name(package))
        if (first := spellings.setdefault(name, package)) != package:
            faults.append(((package,), f"'{first}' and '{package}' are the same distribution", "keep one of them"))
            continue
        sources = []
        for choice in value if isinstance(value, list) else [value]:
            try:
                sources.append(Source.model_validate(choice))
            except ValidationError as error:
                faults += [((package, *key), message, hint) for key, message, hint in _faults_of(error)]
        found[name] = tuple(sources)
    return found, faults


def _faults_of(error: ValidationError) -> Iterator[tuple[KeyPath, str, str]]:
    for detail in error.errors():
        hint = f"write {_FORMS}"
        if detail["type"] == "value_error":
            hint = getattr(detail["ctx"]["error"], "hint", hint)
        yield tuple(detail["loc"]), sentence(detail), hint


def source_of(requirement: Requirement) -> Source | None:
    """The source that a requirement names by an address (PEP 508) that is no wheel; None where it names none.

    Raises:
        ValueError: The address can be neither installed nor built from; the message says why.
    """
    if requirement.url is None or names_wheel(requirement.url):
        return None
    try:
        return Source.model_validate(_as_table(requirement.url))
    except ValidationError as error:
        raise ValueError("; ".join(message for _, message, _ in _faults_of(error))) from None


def names_wheel(address: str) -> bool:
    """Whether an address, URL or path, is that of a wheel."""
    return unquote(urlsplit(address).path).endswith(".whl")


def _as_table(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    options = {key: values[-1] for key, values in parse_qs(parts.fragment).items()}
    subdirectory = {"subdirectory": options["subdirectory"]} if "subdirectory" in options else {}
    if parts.scheme.startswith("git+"):
        place, _, revision = parts.path.rpartition("@") if "@" in parts.path else (parts.path, "", "")
        where = parts._replace(scheme=parts.scheme.removeprefix("git+"), path=place, fragment="").geturl()
        return {"git": where, **({"rev": unquote(revision)} if revision else {}), **subdirectory}
    if parts.scheme == "file":
        return {"path": unquote(parts.path), **subdirectory}
    return {"url": address, **subdirectory}
