"""Libraries for 64-bit Windows that are written here, byte by byte: no compiler for Windows is needed."""

from __future__ import annotations

import struct

_BASE = 0x1000  # where the only section is loaded
_DATA, _DATA_AND_CODE = 0x40000040, 0xE0000060
_JUMP = b"\xff\x25"  # to the address that is stored so many bytes after the instruction


def forwarding_library(name: str, export: str, target: str) -> bytes:
    """A library that holds nothing but one export, forwarded to that of another library.

    Args:
        name: The library's name.
        export: The name that it exports.
        target: `library.name` of the function that is meant.
    """
    texts = [text.encode() + b"\0" for text in (name, export, target)]
    table = 40 + 4 + 4 + 2  # export directory; addresses, names, numbers
    places = [_BASE + table + sum(map(len, texts[:count])) for count in range(3)]
    section = _exports(places[0], places[2], places[1]) + b"".join(texts)
    return _image(section, exports=len(section), imports=0, kind=_DATA)


def importing_library(name: str, export: str, library: str, function: str) -> bytes:
    """A library with one function, which jumps to that of another library; it is in the table of imports.

    Args:
        name: The library's name.
        export: The name of its function.
        library: The other library's name.
        function: The name of the other library's function.
    """
    texts = [text.encode() + b"\0" for text in (name, export, library)]
    texts.append(b"\0\0" + function.encode() + b"\0")
    code, address, names, descriptor, first = 56, 64, 80, 96, 136
    places = [_BASE + first + sum(map(len, texts[:count])) for count in range(4)]
    thunk = struct.pack("<QQ", places[3], 0)
    section = b"".join(
        [
            _exports(places[0], _BASE + code, places[1]).ljust(code, b"\0"),
            (_JUMP + struct.pack("<i", address - code - 6)).ljust(address - code, b"\0"),
            thunk,
            thunk,
            struct.pack("<5I", _BASE + names, 0, 0, places[2], _BASE + address).ljust(first - descriptor, b"\0"),
            *texts,
        ]
    )
    return _image(section, exports=code, imports=descriptor, kind=_DATA_AND_CODE)


def _exports(library: int, function: int, name: int) -> bytes:
    """The directory of exports, with tables of one function; all are places in memory."""
    directory = struct.pack("<4I", 0, 0, 0, library) + struct.pack("<6I", 1, 1, 1, _BASE + 40, _BASE + 44, _BASE + 48)
    return directory + struct.pack("<IIH", function, name, 0)


def _image(section: bytes, *, exports: int, imports: int, kind: int) -> bytes:
    """A library with one section, which begins with the directory of exports.

    Args:
        section: What is in it.
        exports: The length of everything that belongs to exports.
        imports: Where in it the directory of imports begins; 0 for none.
        kind: What the section holds.
    """
    raw = section.ljust(-(-len(section) // 512) * 512, b"\0")
    stub = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    sizes = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, len(raw), 0, 0, _BASE)
    memory = struct.pack("<QII", 0x180000000, 0x1000, 512)
    versions = struct.pack("<6HI", 6, 0, 0, 0, 6, 0, 0)
    images = struct.pack("<IIIHH", 0x2000, 512, 0, 3, 0x100)
    stacks = struct.pack("<4QII", 1 << 20, 4096, 1 << 20, 4096, 0, 16)
    imported = struct.pack("<II", _BASE + imports, 40) if imports else bytes(8)
    directories = struct.pack("<II", _BASE, exports) + imported + bytes(14 * 8)
    header = struct.pack("<8sIIIIIIHHI", b".rdata", len(section), _BASE, len(raw), 512, 0, 0, 0, 0, kind)
    head = stub + coff + sizes + memory + versions + images + stacks + directories + header
    return head.ljust(512, b"\0") + raw
