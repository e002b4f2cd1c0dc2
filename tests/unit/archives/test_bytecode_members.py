from __future__ import annotations

import pytest

from venvstacks.archives.members import members
from venvstacks.digests import TreeEntry

BYTECODE = "lib/python3.11/site-packages/frog/__pycache__/pond.cpython-311.pyc"


@pytest.mark.parametrize(
    ("path", "published"),
    [
        (BYTECODE, True),
        ("lib/frog/__pycache__/notes.txt", False),
        ("lib/frog/pond.pyc", True),
        ("lib/frog/pond.pyc/__pycache__/x", False),
        ("__pycache__", False),
        ("pyvenv.cfg", False),
        (".hidden/__pycache__.txt", False),
    ],
)
def test_bytecode_is_published_where_python_looks_for_it(path: str, *, published: bool) -> None:
    listed = members([TreeEntry(path, 3, sha256="a" * 64)], "top", bytecode=True)
    assert (f"top/{path}" in {member.path for member in listed}) == published


def test_modules_without_sources_are_no_bytecode_that_can_be_made_again() -> None:
    listed = members([TreeEntry("lib/frog/pond.pyc", 3, sha256="a" * 64)], "top")
    assert "top/lib/frog/pond.pyc" in {member.path for member in listed}


def test_bytecode_that_nobody_asked_for_is_left_out() -> None:
    assert [member.path for member in members([TreeEntry(BYTECODE)], "top")] == ["top"]
