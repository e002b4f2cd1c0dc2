"""pip's requirements file format, without its options for installing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from venvstacks.model.foreign_files import (
    MOST_INCLUDED,
    Texts,
    UnusableFileError,
    check_requirement,
    next_to,
    text_of,
)
from venvstacks.model.wheel_addresses import with_name
from venvstacks.urls import without_secrets

INCLUDE = re.compile(r"(?P<option>-r|--requirement|-c|--constraint)[ =]*(?P<path>\S+)")
"""A line that includes another file."""

_HARMLESS = ("--only-binary", "--no-binary", "--prefer-binary", "--trusted-host", "--require-hashes", "--use-feature")


class RequirementsFiles:
    """Requirements files, each read once, with those that they include.

    Attributes:
        requirements: The requirements, in the order of the files.
        constraints: The constraints.
        files: Paths of the files.
    """

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.requirements: dict[str, None] = {}
        self.constraints: dict[str, None] = {}
        self.files: dict[str, None] = {}

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
            if editable := re.fullmatch(r"(?:-e|--editable)[ =]*(?P<path>\S.*)", line):
                raise UnusableFileError(f"{place}: '{without_secrets(line)}' names {_project(path, editable['path'])}")
            if not line.startswith(_HARMLESS):
                raise UnusableFileError(
                    f"{place}: '{line}' has no effect here; indexes and the like are declared in [tool.uv]"
                )
        else:
            text = re.split(r"\s+--hash[ =]", line)[0]
            check_requirement(text, place)
            (self.constraints if is_constraint else self.requirements)[text] = None


def _project(path: str, editable: str) -> str:
    """What `-e` names in the file at `path`, and what to write instead."""
    if "://" in editable:
        return f"a repository; {with_name(editable) or 'require its package'}"
    source = json.dumps(next_to(path, editable))
    return (
        "a project, not a package: require it by its name, and write in [tool.uv.sources] of the specification where "
        f"it is: NAME = {{ path = {source} }}"
    )


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
