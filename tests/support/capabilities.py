"""What the system that tests run on can do: a test that needs more is skipped, whichever system that is."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.abilities import distinguishes_case, has_symbolic_links, keeps_modes, stores_name

needs_symbolic_links = pytest.mark.skipif(not has_symbolic_links(), reason="needs symbolic links")
needs_times_of_change = pytest.mark.skipif(
    os.name != "posix", reason="needs times of files' last change, which no program can set"
)
needs_case = pytest.mark.skipif(not distinguishes_case(), reason="needs names that differ in case alone")
needs_modes = pytest.mark.skipif(not keeps_modes(), reason="needs modes of files")


def needs_name(name: str) -> pytest.MarkDecorator:
    """A mark of tests that make a file or folder of this name."""
    return pytest.mark.skipif(not stores_name(name), reason="needs names of files that not every system can store")


def marks_of(case: str) -> tuple[pytest.MarkDecorator, ...]:
    """Marks for a case of several, by the words of its name: links and modes are not for every system."""
    marks = {"link": needs_symbolic_links, "mode": needs_modes}
    return tuple(mark for word, mark in marks.items() if word in case.split())


needs_desktop_file_validate = pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None, reason="needs desktop-file-validate"
)
