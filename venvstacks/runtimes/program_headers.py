"""The platforms that a program is for, by the first bytes of its file: ELF, PE or Mach-O.

Only a Python's own program is read here. What packages bring is read by `binaries`, with the parsers of an extra.
"""

from __future__ import annotations

import struct
from pathlib import Path

from venvstacks.model.platforms import PLATFORMS

_READ = 4096  # headers are at the beginning; Windows' come after a program for DOS of some hundred bytes
_ELF = {62: "x86_64", 183: "aarch64"}
_PE = {0x8664: "amd64", 0xAA64: "arm64"}
_MACH = {0x0100_0007: "x86_64", 0x0100_000C: "arm64"}
_OTHER = "another processor"


def described_platforms(program: Path) -> tuple[str, ...]:
    """Names of the platforms that a program is for, or words for those that are none; empty where headers do not tell.

    Raises:
        OSError: It cannot be read.
    """
    with program.open("rb") as stream:
        head = stream.read(_READ)
    try:
        return tuple(_described(head))
    except struct.error:
        return ()


def _described(head: bytes) -> list[str]:
    if head.startswith(b"\x7fELF"):
        order = ">" if head[5:6] == b"\2" else "<"
        return [_named("linux", _ELF.get(struct.unpack_from(f"{order}H", head, 18)[0]))]
    if head.startswith(b"MZ"):
        place = struct.unpack_from("<I", head, 0x3C)[0]
        is_portable = head[place : place + 4] == b"PE\0\0"
        return [_named("win", _PE.get(struct.unpack_from("<H", head, place + 4)[0]))] if is_portable else []
    if head.startswith(b"\xcf\xfa\xed\xfe"):
        return [_named("macosx", _MACH.get(struct.unpack_from("<I", head, 4)[0]))]
    if head.startswith(b"\xca\xfe\xba\xbe"):
        count = struct.unpack_from(">I", head, 4)[0]
        parts = [struct.unpack_from(">I", head, 8 + 20 * number)[0] for number in range(min(count, 30))]
        return [_named("macosx", _MACH.get(part)) for part in parts]
    return []


def _named(system: str, machine: str | None) -> str:
    name = f"{system}_{machine}"
    return name if name in PLATFORMS else f"{system} on {_OTHER}"
