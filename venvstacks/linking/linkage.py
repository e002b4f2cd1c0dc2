"""Reads from compiled files (ELF, Mach-O) which shared libraries they need and where these are looked for.

Pure: the file is reached through a function that gives the bytes at a place. Formats: the System V ABI and the manual
page elf(5); `mach-o/loader.h` and `mach-o/fat.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Read = Callable[[int, int], bytes]
"""A function that reads bytes: offset and largest number of bytes to the bytes."""

_MOST_HEADERS = 4096
_MOST_BYTES = 1 << 20  # of a table
_LONGEST_TEXT = 4096

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 1, 5, 15, 29

_MACH_64 = {b"\xcf\xfa\xed\xfe": "<", b"\xfe\xed\xfa\xcf": ">"}
_FAT = {b"\xca\xfe\xba\xbe": (">iiIII", 20), b"\xca\xfe\xba\xbf": (">iiQQII", 32)}
_LOADS = {0xC, 0x8000_0018, 0x8000_001F, 0x8000_0023}  # LC_LOAD_DYLIB, weak, re-exported, upward
_LC_RPATH = 0x8000_001C


@dataclass(frozen=True)
class Linkage:
    """The needs of one compiled file.

    Attributes:
        needed: Libraries that it needs, as the file names them: `libx.so.1`, `@rpath/libx.dylib`.
        run_paths: Where the dynamic linker looks for them first: `$ORIGIN/../lib`, `@loader_path`, `/opt/x`.
    """

    needed: tuple[str, ...] = ()
    run_paths: tuple[str, ...] = ()


def read_linkage(read: Read) -> Linkage | None:
    """The needs of a compiled file; None for any other file, one that needs nothing dynamic, or a damaged one."""
    magic = read(0, 4)
    try:
        if magic == b"\x7fELF":
            return _read_elf(read)
        if magic in _MACH_64:
            return _read_mach(read, 0)
        if magic in _FAT:
            return _read_fat(read, *_FAT[magic])
    except (struct.error, ValueError, LookupError):  # the file is cut off, or holds other numbers than it should
        return None
    return None


def _read_elf(read: Read) -> Linkage | None:
    ident = read(0, 16)
    order = {1: "<", 2: ">"}[ident[5]]
    wide = ident[4] == 2
    start = struct.unpack(f"{order}{'Q' if wide else 'I'}", read(32 if wide else 28, 8 if wide else 4))[0]
    size, count = struct.unpack(f"{order}HH", read(54 if wide else 42, 4))
    loads: list[tuple[int, int, int]] = []  # address, offset, size
    dynamic: tuple[int, int] | None = None
    for number in range(min(count, _MOST_HEADERS)):
        header = read(start + number * size, 56 if wide else 32)
        kind, offset, address, length = _elf_segment(header, order, wide=wide)
        if kind == _PT_LOAD:
            loads.append((address, offset, length))
        elif kind == _PT_DYNAMIC:
            dynamic = (offset, length)
    if dynamic is None:
        return None
    tags = list(struct.iter_unpack(f"{order}{'qQ' if wide else 'iI'}", _table(read, *dynamic, 16 if wide else 8)))
    address = next((value for tag, value in tags if tag == _DT_STRTAB), 0)
    strings = next((offset + address - base for base, offset, length in loads if base <= address < base + length), None)
    if strings is None:
        return None

    def texts(wanted: int) -> list[str]:
        return [_text(read(strings + value, _LONGEST_TEXT)) for tag, value in tags if tag == wanted]

    run_paths = texts(_DT_RUNPATH) or texts(_DT_RPATH)
    return Linkage(tuple(texts(_DT_NEEDED)), tuple(path for text in run_paths for path in text.split(":") if path))


def _elf_segment(header: bytes, order: str, *, wide: bool) -> tuple[int, int, int, int]:
    """Kind, offset, address and size in the file of one segment."""
    if wide:
        kind, _, offset, address, _, length = struct.unpack(f"{order}IIQQQQ", header[:40])
    else:
        kind, offset, address, _, length = struct.unpack(f"{order}IIIII", header[:20])
    return kind, offset, address, length


def _table(read: Read, offset: int, length: int, row: int) -> bytes:
    content = read(offset, min(length, _MOST_BYTES))
    return content[: len(content) // row * row]


def _read_fat(read: Read, row: str, size: int) -> Linkage | None:
    """All architectures of a file together."""
    (count,) = struct.unpack(">I", read(4, 4))
    if count > 30:
        return None
    offsets = [struct.unpack(row, read(8 + number * size, size))[2] for number in range(count)]
    parts = [_read_mach(read, offset) for offset in offsets if read(offset, 4) in _MACH_64]
    needed = dict.fromkeys(name for part in parts for name in part.needed)
    run_paths = dict.fromkeys(path for part in parts for path in part.run_paths)
    return Linkage(tuple(needed), tuple(run_paths)) if parts else None


def _read_mach(read: Read, start: int) -> Linkage:
    order = _MACH_64[read(start, 4)]
    count, size = struct.unpack(f"{order}II", read(start + 16, 8))
    commands = read(start + 32, min(size, _MOST_BYTES))
    found = list(_mach_commands(commands, order, count))
    needed = dict.fromkeys(text for kind, text in found if kind in _LOADS)
    return Linkage(tuple(needed), tuple(text for kind, text in found if kind == _LC_RPATH))


def _mach_commands(commands: bytes, order: str, count: int) -> Iterator[tuple[int, str]]:
    place = 0
    for _ in range(min(count, _MOST_HEADERS)):
        kind, size = struct.unpack(f"{order}II", commands[place : place + 8])
        if size < 8:
            raise ValueError("a load command of no size")
        if kind in _LOADS or kind == _LC_RPATH:
            (offset,) = struct.unpack(f"{order}I", commands[place + 8 : place + 12])
            yield kind, _text(commands[place + offset : place + size])
        place += size


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "surrogateescape")
