"""A file system that keeps the case of names but looks them up without it, as on macOS and Windows.

It is imitated where the tests run on another one; with pytest's `--basetemp` on such a disk it is the real one.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_ONE_PATH = ("chmod", "listdir", "lstat", "mkdir", "open", "readlink", "rmdir", "scandir", "stat", "unlink", "utime")
_TWO_PATHS = ("link", "rename", "replace")


def fold_names(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the folder `root`, below which names are folded, and return it."""
    root.mkdir()
    (root / "case").mkdir()
    if not (root / "CASE").exists():
        _imitate(os.fspath(root), monkeypatch)
    (root / "CASE").rmdir()
    return root


def _imitate(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listdir = os.listdir

    def fold(path: Any) -> Any:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path).startswith(f"{root}{os.sep}"):
            return path
        place = root
        for part in Path(path).parts[len(Path(root).parts) :]:
            try:
                names = {name.lower(): name for name in listdir(place)}
            except OSError:
                names = {}
            place = f"{place}{os.sep}{names.get(part.lower(), part)}"
        return place

    def folding(function: Callable[..., Any], *positions: int) -> Callable[..., Any]:
        @functools.wraps(function)
        def folded(*arguments: Any, **options: Any) -> Any:
            paths = [fold(value) if place in positions else value for place, value in enumerate(arguments)]
            return function(*paths, **options)

        return folded

    for name in _ONE_PATH:
        monkeypatch.setattr(os, name, folding(getattr(os, name), 0))
    for name in _TWO_PATHS:
        monkeypatch.setattr(os, name, folding(getattr(os, name), 0, 1))
    monkeypatch.setattr(os, "symlink", folding(os.symlink, 1))
    monkeypatch.setattr(io, "FileIO", folding(io.FileIO, 0))
    for module in (builtins, io):
        monkeypatch.setattr(module, "open", folding(open, 0))
