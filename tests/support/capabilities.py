"""What the system that tests run on can do: a test that needs more is skipped, whichever system that is."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest


@cache
def has_symbolic_links() -> bool:
    """Whether this user can make symbolic links: ordinary users of Windows cannot."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError):
        Path(folder, "link").symlink_to("target")
        return Path(folder, "link").is_symlink()
    return False


@cache
def keeps_modes() -> bool:
    """Whether files keep the modes that they are given: those of Windows do not."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "file")
        place.touch()
        place.chmod(0o711)
        return place.stat().st_mode & 0o777 == 0o711


@cache
def distinguishes_case() -> bool:
    """Whether names of files may differ in case alone: those of Windows and macOS usually may not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a").touch()
        return not Path(folder, "A").exists()


needs_symbolic_links = pytest.mark.skipif(not has_symbolic_links(), reason="needs symbolic links")
needs_times_of_change = pytest.mark.skipif(
    os.name != "posix", reason="needs times of files' last change, which no program can set"
)
needs_case = pytest.mark.skipif(not distinguishes_case(), reason="needs names that differ in case alone")
needs_modes = pytest.mark.skipif(not keeps_modes(), reason="needs modes of files")


def marks_of(case: str) -> tuple[pytest.MarkDecorator, ...]:
    """Marks for a case of several, by the words of its name: links and modes are not for every system."""
    marks = {"link": needs_symbolic_links, "mode": needs_modes}
    return tuple(mark for word, mark in marks.items() if word in case.split())


needs_desktop_file_validate = pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None, reason="needs desktop-file-validate"
)
