"""Reads from a compiled file whether it is an extension module."""

from __future__ import annotations

import mmap
from pathlib import Path


def exports_module_init(path: Path) -> bool:
    """Whether a shared library can be imported under its file name: whether it names `PyInit_<stem>`.

    The name is looked for as a whole string anywhere in the file, which holds for the symbol tables of ELF and Mach-O
    alike (PEP 489 gives the names). The file is mapped, not read: memory stays bounded for libraries of any size.

    Raises:
        OSError: The file cannot be read.
    """
    stem = path.name.partition(".")[0]
    name = path.parent.name if stem == "__init__" else stem
    with path.open("rb") as stream:
        if not stream.seek(0, 2):
            return False  # an empty file cannot be mapped
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(_init_symbol(name) + b"\0") >= 0


def _init_symbol(module: str) -> bytes:
    if module.isascii():
        return b"PyInit_" + module.encode("ascii")
    return b"PyInitU_" + module.encode("punycode").replace(b"-", b"_")
