"""Files of modules, of applications' data and of projects, as they are on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class SourceTree:
    """A file or folder that is taken as a whole: a module, data of an application, a project.

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
