"""Requirements of other projects: from a `pyproject.toml` (PEP 621, PEP 735), a requirements file or a lock.

Pure: the caller passes the texts. `included_files` lists the further files that a text refers to, so that a reader
can fetch them; `gather_requirements` then reads everything.
"""

from __future__ import annotations

import posixpath

from venvstacks.model.file_references import ConstraintsFrom, RequirementsFrom
from venvstacks.model.foreign_files import FileContents, Texts, next_to, text_of
from venvstacks.model.foreign_locks import read_foreign_lock
from venvstacks.model.foreign_sources import workspace_files
from venvstacks.model.project_requirements import ProjectFile
from venvstacks.model.requirements_format import EDITABLE, INCLUDE, RequirementsFiles, logical_lines, project_of
from venvstacks.model.stack import Gathered

_MOST_ABOVE = "../" * 16
"""Projects so far above the specification have no workspace."""


def gather_requirements(source: RequirementsFrom, texts: Texts, folder: str = "/") -> FileContents:
    """All requirements that one element of `requirements-from` or `constraints-from` gives.

    Args:
        source: The element.
        texts: The texts of the files that it leads to.
        folder: Absolute path of the specification's folder, with forward slashes: globs of workspaces match the names
            of folders.

    Raises:
        UnusableFileError: The file is missing, or has content that cannot be used here.
    """
    as_constraints = isinstance(source, ConstraintsFrom)
    if source.pyproject:
        return ProjectFile(source.pyproject, texts, folder).contents(source, as_constraints=as_constraints)
    if isinstance(source, ConstraintsFrom) and source.lock:
        lock = read_foreign_lock(source.lock, text_of(source.lock, texts))
        found = Gathered(source.label, lock.pins, is_constraint=True, sources=lock.sources, files=lock.files)
        return FileContents((found,), (source.lock,))
    assert source.requirements  # noqa: S101 - the model has exactly one of them
    reader = RequirementsFiles(texts)
    reader.read(source.requirements, is_constraint=as_constraints)
    hashes = {name: frozenset(found) for name, found in reader.hashes.items()}
    parts = (
        Gathered(source.label, tuple(reader.requirements), sources=tuple(reader.sources), hashes=hashes),
        Gathered(source.label, tuple(reader.constraints), is_constraint=True, hashes=hashes),
    )
    return FileContents(tuple(part for part in parts if part.lines), tuple(reader.files))


def included_files(path: str, text: str) -> tuple[str, ...]:
    """Paths of the files that a file leads to.

    These are for a requirements file those that it names with `-r` and `-c` and the projects that it names with `-e`,
    and for a project the files that may describe its workspace.
    """
    if posixpath.basename(path).endswith(".lock"):
        return ()
    if posixpath.basename(path).endswith(".toml"):
        return tuple(workspace_files(path)) if "[project" in text and not path.startswith(_MOST_ABOVE) else ()
    lines = [line for _, line in logical_lines(text)]
    found = [match["path"] for line in lines if (match := INCLUDE.match(line)) and "://" not in match["path"]]
    projects = [match["path"] for line in lines if (match := EDITABLE.fullmatch(line)) and "://" not in match["path"]]
    return (*(next_to(path, one) for one in found), *(project_of(path, one)[0] for one in projects))
