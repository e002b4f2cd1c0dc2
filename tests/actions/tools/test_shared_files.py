from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from venvstacks.tools import shared_files
from venvstacks.tools.shared_files import is_compiled, lay_shared, replace_by_shared

LIBRARY = b"\x7fELF" + b"pond" * 5000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="compiled code of Linux, on a disk without clones")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library on a file system that has no clones."""
    monkeypatch.setattr("fcntl.ioctl", refusing(errno.EOPNOTSUPP))
    place = tmp_path / "libpond.so.1"
    place.write_bytes(LIBRARY)
    place.chmod(0o755)
    return place


def refusing(number: int) -> object:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return refuse


def mode(place: Path) -> int:
    return place.stat().st_mode & 0o777


def test_compiled_code_gets_a_second_name_and_is_read_only(library: Path) -> None:
    target = library.with_name("copy")
    lay_shared(library, target, executable=True)
    assert target.samefile(library)
    assert mode(target) == 0o555
    lay_shared(target, library.with_name("third"), executable=True)
    assert library.stat().st_nlink == 3


@pytest.mark.parametrize("content", [b"#!/bin/sh\n" * 900, b"NAME = 1\n" * 900, b"", b"\x7fEL"])
def test_what_programs_may_write_to_is_copied(library: Path, content: bytes) -> None:
    library.write_bytes(content)
    target = library.with_name("copy")
    lay_shared(library, target, executable=True)
    assert not target.samefile(library)
    assert (target.read_bytes(), mode(target), mode(library)) == (content, 0o755, 0o755)


def test_clones_are_preferred(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcntl.ioctl", lambda writing, _, __: os.write(writing, LIBRARY))
    target = library.with_name("copy")
    lay_shared(library, target, executable=False)
    assert (target.stat().st_nlink, target.read_bytes()) == (1, LIBRARY)
    assert (mode(target), mode(library)) == (0o644, 0o755)


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EMLINK, errno.EPERM, errno.ENOTSUP])
def test_where_there_can_be_no_link_there_is_a_copy(
    library: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.link", refusing(number))
    target = library.with_name("copy")
    lay_shared(library, target, executable=True)
    assert (target.read_bytes(), target.stat().st_nlink, mode(target)) == (LIBRARY, 1, 0o755)
    before = target.stat().st_ino
    assert not replace_by_shared(library, target, executable=True)
    assert target.stat().st_ino == before
    assert sorted(place.name for place in library.parent.iterdir()) == ["copy", "libpond.so.1"]


def other_user(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: library.stat().st_uid + 1)


def windows(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_files, "_HAS_LINKS", False)


def another_mode(library: Path, _: pytest.MonkeyPatch) -> None:
    library.chmod(0o644)


@pytest.mark.parametrize("prepare", [other_user, windows, another_mode])
def test_no_link_is_made_of(library: Path, monkeypatch: pytest.MonkeyPatch, prepare: object) -> None:
    prepare(library, monkeypatch)  # type: ignore[operator]
    target = library.with_name("copy")
    lay_shared(library, target, executable=True)
    assert (target.read_bytes(), target.stat().st_nlink, mode(target)) == (LIBRARY, 1, 0o755)


def test_nothing_is_replaced(library: Path) -> None:
    target = library.with_name("copy")
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        lay_shared(library, target, executable=True)
    assert target.read_bytes() == b"mine"


def test_a_file_becomes_a_name_of_another(library: Path) -> None:
    target = library.with_name("copy")
    target.write_bytes(LIBRARY)
    assert replace_by_shared(library, target, executable=True)
    assert target.samefile(library)
    assert sorted(place.name for place in library.parent.iterdir()) == ["copy", "libpond.so.1"]


def test_compiled_code_is_known_by_its_first_bytes() -> None:
    assert is_compiled(Path(sys.executable).resolve())
    assert not is_compiled(Path(__file__))
