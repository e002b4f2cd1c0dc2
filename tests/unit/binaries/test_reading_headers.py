"""Headers of real and of handmade compiled files."""

from __future__ import annotations

import sys
from pathlib import Path

import distlib
import pytest
import zstandard

from tests.support.mach_files import fat_file, mach_file
from venvstacks.binaries.read_headers import is_of_format, read_compiled_file
from venvstacks.errors import MissingToolError


def test_mach_o(tmp_path: Path) -> None:
    place = tmp_path / "x.dylib"
    place.write_bytes(mach_file("arm64", ["/usr/lib/libSystem.B.dylib", "@rpath/libz.dylib"], oldest=(12, 3)))
    found = read_compiled_file(place, "macosx")
    assert (found.processors, found.system) == (("arm64",), (12, 3))
    assert found.needed == ("/usr/lib/libSystem.B.dylib", "@rpath/libz.dylib")
    place.write_bytes(fat_file(x86_64=mach_file("x86_64", ["a"]), arm64=mach_file("arm64", ["a", "b"])))
    found = read_compiled_file(place, "macosx")
    assert (found.processors, found.needed) == (("x86_64", "arm64"), ("a", "b"))


@pytest.mark.parametrize(("program", "processor"), [("t64.exe", "amd64"), ("t64-arm.exe", "arm64")])
def test_pe(program: str, processor: str) -> None:
    found = read_compiled_file(Path(distlib.__file__).with_name(program), "win")
    assert found.processors == (processor,)
    assert "KERNEL32.dll" in found.needed
    assert (5, 0) < found.system < (11, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads a file of Linux")
def test_elf() -> None:
    (backend,) = Path(zstandard.__file__).parent.glob("backend_c*.so")
    found = read_compiled_file(backend, "linux")
    assert found.processors in {("x86_64",), ("aarch64",)}
    assert "libc.so.6" in found.needed
    assert (2, 0) < found.system < (3, 0)


@pytest.mark.parametrize(
    ("head", "system", "expected"),
    [
        (b"\x7fELF\2\1\1\0", "linux", True), (b"MZ\x90\0\3\0\0\0", "linux", False), (b"MZ\x90\0\3\0\0\0", "win", True),
        (b"\xcf\xfa\xed\xfe\0\0\0\0", "macosx", True), (b"\xca\xfe\xba\xbe\0\0\0\2", "macosx", True),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "macosx", False),  # a class file of Java
    ],
)  # fmt: skip
def test_formats(head: bytes, system: str, *, expected: bool) -> None:
    assert is_of_format(head, system) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("system", "head"), [("linux", b"\x7fELF"), ("win", b"MZ"), ("macosx", b"\xcf\xfa\xed\xfe")])
def test_damaged_files(system: str, head: bytes, tmp_path: Path) -> None:
    place = tmp_path / "x"
    for content in (head + b"\xff" * 60, head + bytes(range(256)) * 9, head):
        place.write_bytes(content)
        with pytest.raises(ValueError, match=r"\w+: "):
            read_compiled_file(place, system)  # type: ignore[arg-type]


def test_without_the_parsers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_bytes(b"MZ")
    monkeypatch.setitem(sys.modules, "pefile", None)
    with pytest.raises(MissingToolError, match=r"needs pefile(.|\n)*'venvstacks\[platforms\]'"):
        read_compiled_file(tmp_path / "x", "win")
