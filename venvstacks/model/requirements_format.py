"""pip's requirements file format, without its options for installing."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Sequence

from packaging.utils import canonicalize_name

from venvstacks.model.foreign_files import (
    MOST_INCLUDED,
    Texts,
    UnusableFileError,
    check_requirement,
    next_to,
    text_of,
)
from venvstacks.model.foreign_sources import ForeignSource, path_source
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.model.wheel_addresses import with_name
from venvstacks.urls import without_secrets

INCLUDE = re.compile(r"(?P<option>-r|--requirement|-c|--constraint)[ =]*(?P<path>\S+)")
"""A line that includes another file."""

EDITABLE = re.compile(r"(?:-e|--editable)[ =]*(?P<path>\S.*)")
"""A line that names a project to install as editable."""

_SHA256 = re.compile(r"sha256:([0-9A-Fa-f]{64})")
_HARMLESS = ("--only-binary", "--no-binary", "--prefer-binary", "--trusted-host", "--require-hashes", "--use-feature")


class RequirementsFiles:
    """Requirements files, each read once, with those that they include.

    Attributes:
        requirements: The requirements, in the order of the files.
        constraints: The constraints.
        files: Paths of the files.
        sources: Where the projects are that files name with `-e`.
        hashes: The SHA-256 sums that files of a package may have, where requirements list some, by normalised name.
    """

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.requirements: dict[str, None] = {}
        self.constraints: dict[str, None] = {}
        self.files: dict[str, None] = {}
        self.sources: dict[ForeignSource, None] = {}
        self.hashes: dict[str, set[str]] = {}

    def read(self, path: str, *, is_constraint: bool, depth: int = 0) -> None:
        """Read a file; `is_constraint` says what its requirements count as, `depth` how many files include it.

        Raises:
            UnusableFileError: A file is missing, or has a line that cannot be used here.
        """
        if path in self.files:
            return
        if depth > MOST_INCLUDED:
            raise UnusableFileError(f"'{path}' is included by more than {MOST_INCLUDED} others")
        self.files[path] = None
        for number, line in logical_lines(text_of(path, self.texts)):
            self._read_line(path, f"{path}:{number}", line, is_constraint=is_constraint, depth=depth)

    def _read_line(self, path: str, place: str, line: str, *, is_constraint: bool, depth: int) -> None:
        if match := INCLUDE.match(line):
            if "://" in match["path"]:
                raise UnusableFileError(f"{place}: '{line}' names a URL; keep a copy of that file")
            constrains = is_constraint or match["option"] in {"-c", "--constraint"}
            self.read(next_to(path, match["path"]), is_constraint=constrains, depth=depth + 1)
        elif line.startswith("-"):
            if editable := EDITABLE.fullmatch(line):
                self._read_editable(path, f"{place}: '{without_secrets(line)}'", editable["path"])
            elif not line.startswith(_HARMLESS):
                raise UnusableFileError(
                    f"{place}: '{line}' has no effect here; indexes and the like are declared in [tool.uv]"
                )
        else:
            text, *hashes = re.split(r"\s+--hash[ =]\s*", line)
            name = str(canonicalize_name(check_requirement(text, place).name))
            (self.constraints if is_constraint else self.requirements)[text] = None
            if hashes:
                self.hashes.setdefault(name, set()).update(_sha256_sums(hashes, place))

    def _read_editable(self, path: str, place: str, target: str) -> None:
        """Require the project in a folder by its name; it is never to come from an index."""
        if "://" in target:
            raise UnusableFileError(f"{place} names a repository; {with_name(target) or 'require its package'}")
        file, extras = project_of(path, target)
        name = _project_name(self.texts.get(file))
        folder = posixpath.dirname(file) or "."
        if name is None:
            raise UnusableFileError(
                f"{place} names a project that does not say its own name: require it by its name, and write in "
                f"[tool.uv.sources] of the specification where it is: NAME = {{ path = {json.dumps(folder)} }}"
            )
        self.files[file] = None
        self.requirements[name + extras] = None
        self.sources[path_source(str(canonicalize_name(name)), folder, f"path '{folder}'")] = None


def _sha256_sums(hashes: Sequence[str], place: str) -> list[str]:
    """The SHA-256 sums among `--hash` options; those of other algorithms can be compared with no lock.

    Raises:
        UnusableFileError: There are none.
    """
    found = [match[1].lower() for each in hashes if (match := _SHA256.fullmatch(each))]
    if not found:
        raise UnusableFileError(f"{place}: '--hash={hashes[0]}' is no SHA-256 sum, and locks have no others")
    return found


def project_of(path: str, target: str) -> tuple[str, str]:
    """The `pyproject.toml` of the project that `-e` names in the file at `path`, and its extras in brackets."""
    match = re.fullmatch(r"(?P<folder>.*?)\s*(?P<extras>\[[A-Za-z0-9._, -]*\])?", target)
    assert match is not None  # noqa: S101 - it may hold anything
    return next_to(path, f"{match['folder']}/pyproject.toml"), match["extras"] or ""


def _project_name(text: str | ValueError | None) -> str | None:
    """The name in a `pyproject.toml`; None where there is none."""
    try:
        project = parse_toml(text).get("project") if isinstance(text, str) else None
    except TomlError:
        return None
    name = project.get("name") if isinstance(project, dict) else None
    return name if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9._-]+", name) else None


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
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
