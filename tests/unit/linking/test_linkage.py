"""What compiled files of all formats need, from handmade bytes; real ones are read in the tests of building."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.linking.linkage import Linkage, read_linkage


def reader(content: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, size: content[offset : offset + size]


def elf(needed: list[str], run_path: str, *, wide: bool = True, order: str = "<", tag: int = 29) -> bytes:
    """An ELF file with one segment that holds everything, at another address than in the file."""
    strings = b"\0"
    entries = []
    for kind, text in [*((1, name) for name in needed), *([(tag, run_path)] if run_path else [])]:
        entries.append((kind, len(strings)))
        strings += text.encode() + b"\0"
    address, start = 0x10000, 64 if wide else 52
    segment_size = 56 if wide else 32
    dynamic_at = start + 2 * segment_size
    row = f"{order}{'qQ' if wide else 'iI'}"
    table_size = (len(entries) + 2) * struct.calcsize(row)
    strings_at = dynamic_at + table_size
    rows = [*entries, (5, address + strings_at), (0, 0)]
    dynamic = b"".join(struct.pack(row, *entry) for entry in rows)
    total = strings_at + len(strings)

    def segment(kind: int, offset: int, size: int) -> bytes:
        if wide:
            return struct.pack(f"{order}IIQQQQQQ", kind, 4, offset, address + offset, 0, size, size, 8)
        return struct.pack(f"{order}IIIIIIII", kind, offset, address + offset, 0, size, size, 4, 8)

    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    if wide:
        head = ident + struct.pack(f"{order}HHIQQQIHHHHHH", 3, 62, 1, 0, start, 0, 0, 64, segment_size, 2, 0, 0, 0)
    else:
        head = ident + struct.pack(f"{order}HHIIIIIHHHHHH", 3, 62, 1, 0, start, 0, 0, 52, segment_size, 2, 0, 0, 0)
    return head + segment(1, 0, total) + segment(2, dynamic_at, len(dynamic)) + dynamic + strings


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tag", [15, 29])
def test_elf(*, wide: bool, order: str, tag: int) -> None:
    content = elf(["libx.so.1", "libé.so"], "$ORIGIN/../lib::/opt/x", wide=wide, order=order, tag=tag)
    expected = Linkage(("libx.so.1", "libé.so"), ("$ORIGIN/../lib", "/opt/x"))
    assert read_linkage(reader(content)) == expected


def mach(needed: list[str], run_paths: list[str], order: str = "<") -> bytes:
    commands = b""
    for kind, text in [*((0xC, name) for name in needed), *((0x8000001C, path) for path in run_paths), (0x19, "")]:
        offset = 24 if kind == 0xC else 12
        body = text.encode() + b"\0"
        size = (offset + len(body) + 7) // 8 * 8
        head = struct.pack(f"{order}III", kind, size, offset)
        commands += (head + bytes(offset - 12) + body).ljust(size, b"\0")
    count = len(needed) + len(run_paths) + 1
    return struct.pack(f"{order}IIIIIIII", 0xFEEDFACF, 0, 0, 6, count, len(commands), 0, 0) + commands


@pytest.mark.parametrize("order", ["<", ">"])
def test_mach_o(order: str) -> None:
    content = mach(["@rpath/libx.dylib", "/usr/lib/libSystem.B.dylib"], ["@loader_path/.dylibs"], order)
    assert read_linkage(reader(content)) == Linkage(
        ("@rpath/libx.dylib", "/usr/lib/libSystem.B.dylib"), ("@loader_path/.dylibs",)
    )


def test_mach_o_for_several_architectures() -> None:
    one, other = mach(["@rpath/a.dylib"], ["@loader_path"]), mach(["@rpath/a.dylib", "@rpath/b.dylib"], [])
    table = struct.pack(">iiIII", 0x01000007, 3, 64, len(one), 0)
    table += struct.pack(">iiIII", 0x0100000C, 0, 64 + len(one), len(other), 0)
    content = (struct.pack(">II", 0xCAFEBABE, 2) + table).ljust(64, b"\0") + one + other
    assert read_linkage(reader(content)) == Linkage(("@rpath/a.dylib", "@rpath/b.dylib"), ("@loader_path",))


@pytest.mark.parametrize("content", [b"", b"\x7f", b"#!/bin/sh\n", b"MZ" + bytes(80), b"\xca\xfe\xba\xbe\0\0\0\x41"])
def test_other_files(content: bytes) -> None:
    assert read_linkage(reader(content)) is None


@given(st.data())
def test_damaged_files_raise_nothing(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from([elf(["libx.so.1"], "$ORIGIN"), mach(["@rpath/x"], ["@loader_path"])]))
    place = data.draw(st.integers(0, len(content) - 1))
    changed = content[:place] + data.draw(st.binary(min_size=1, max_size=8)) + content[place + 1 :]
    found = read_linkage(reader(changed[: data.draw(st.integers(0, len(changed)))]))
    assert found is None or isinstance(found, Linkage)
