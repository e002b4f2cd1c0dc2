"""Translation of paths between two spellings: one for what is stored, one for doit.

doit takes paths relative to the folder that it was started in (and the user's own tasks use such paths); records
hold them relative to the specification's folder, so that `venvstacks` and `doit`, and every
folder that the stack is moved to, share one state.
"""

from __future__ import annotations

from pathlib import Path

from venvstacks.tools.files import path_from


class Paths:
    """Translates between stored paths and those that doit sees.

    Args:
        base: The specification's folder.
        cwd: The folder that doit's relative paths start from.
    """

    def __init__(self, base: Path, cwd: Path) -> None:
        self.base = base.absolute()
        self.cwd = cwd.absolute()
        self._same = self.base == self.cwd
        self._shown: dict[str, str] = {}
        self._stored: dict[str, str] = {}

    def absolute(self, stored: str) -> Path:
        """Where a stored path is."""
        return self.base / stored

    def shown(self, stored: str) -> str:
        """A stored path as doit sees it."""
        return stored if self._same else _translate(stored, self.base, self.cwd, self._shown)

    def stored(self, shown: str) -> str:
        """A path that doit sees as it is stored."""
        return shown if self._same else _translate(shown, self.cwd, self.base, self._stored)


def _translate(path: str, start: Path, relative_to: Path, known: dict[str, str]) -> str:
    if path not in known:
        known[path] = path_from(relative_to, start / path)
    return known[path]
