"""Mach-O files made by hand: headers and load commands, and no code."""

from __future__ import annotations

import struct
from collections.abc import Iterable

_PROCESSORS = {"x86_64": 0x0100_0007, "arm64": 0x0100_000C}
_LOAD_DYLIB, _RPATH, _BUILD_VERSION = 0xC, 0x8000_001C, 0x32


def mach_file(
    processor: str, needed: Iterable[str] = (), *, oldest: tuple[int, int] = (11, 0), run_paths: Iterable[str] = ()
) -> bytes:
    """A library for one processor."""
    commands = [struct.pack("<IIIIII", _BUILD_VERSION, 24, 1, oldest[0] << 16 | oldest[1] << 8, 0, 0)]
    commands += [_text_command(_LOAD_DYLIB, struct.pack("<IIII", 24, 0, 0, 0), name) for name in needed]
    commands += [_text_command(_RPATH, struct.pack("<I", 12), path) for path in run_paths]
    body = b"".join(commands)
    return struct.pack("<IIIIIIII", 0xFEED_FACF, _PROCESSORS[processor], 0, 6, len(commands), len(body), 0, 0) + body


def _text_command(kind: int, fields: bytes, text: str) -> bytes:
    content = fields + text.encode() + b"\0"
    content += b"\0" * (-len(content) % 8)
    return struct.pack("<II", kind, len(content) + 8) + content


def fat_file(**parts: bytes) -> bytes:
    """A file for several processors, by their names."""
    header, body, offset = struct.pack(">II", 0xCAFE_BABE, len(parts)), b"", 4096
    for processor, part in parts.items():
        header += struct.pack(">IIIII", _PROCESSORS[processor], 0, offset + len(body), len(part), 0)
        body += part
    return header.ljust(offset, b"\0") + body
