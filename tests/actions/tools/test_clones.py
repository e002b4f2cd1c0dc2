from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.capabilities import needs_symbolic_links
from venvstacks.tools.clones import LinkMode, lay_file

CONTENT = b"frog\n" * 100_000
MODES: list[LinkMode] = ["clone", "copy", "hardlink"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    place = tmp_path / "frog"
    place.write_bytes(CONTENT)
    place.chmod(0o755)
    return place


@pytest.mark.parametrize("mode", MODES)
def test_content_and_executable_bit_arrive(source: Path, mode: LinkMode) -> None:
    target = source.with_name("pond")
    lay_file(source, target, mode)
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o777 == 0o755
    assert target.samefile(source) == (mode == "hardlink")


@pytest.mark.parametrize("mode", MODES[:2])
def test_the_umask_of_whoever_exports_does_not_matter(source: Path, mode: LinkMode) -> None:
    source.chmod(0o640)
    target = source.with_name("pond")
    before = os.umask(0o077)
    try:
        lay_file(source, target, mode)
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_file_arrives(source: Path, mode: LinkMode) -> None:
    source.write_bytes(b"")
    lay_file(source, source.with_name("pond"), mode)
    assert source.with_name("pond").read_bytes() == b""


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_replaced(source: Path, mode: LinkMode) -> None:
    target = source.with_name("pond")
    target.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        lay_file(source, target, mode)
    assert target.read_bytes() == b"mine"


@pytest.mark.skipif(sys.platform != "linux", reason="what the kernel is asked on Linux")
@pytest.mark.parametrize("mode", MODES[:2])
def test_a_kernel_that_does_neither_gets_bytes_to_write(
    source: Path, mode: LinkMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(*arguments: object) -> NoReturn:
        asked.append(arguments)
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("fcntl.ioctl", refuse)
    monkeypatch.setattr("os.copy_file_range", refuse)
    lay_file(source, source.with_name("pond"), mode)
    assert source.with_name("pond").read_bytes() == CONTENT
    assert len(asked) == (2 if mode == "clone" else 1)


@needs_symbolic_links
@pytest.mark.skipif(sys.platform != "linux", reason="what the kernel is asked on Linux")
def test_a_clone_is_not_copied_as_well(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloned = []

    def clone(writing: int, request: int, reading: int) -> int:
        cloned.append((*[Path(f"/proc/self/fd/{number}").readlink() for number in (reading, writing)], request))
        return 0

    monkeypatch.setattr("fcntl.ioctl", clone)
    lay_file(source, source.with_name("pond"))
    assert cloned == [(source, source.with_name("pond"), 0x40049409)]
    assert source.with_name("pond").read_bytes() == b""  # a real clone would have filled it
