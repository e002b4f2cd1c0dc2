"""What the compiled files of a built environment need, read once when it is built."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from venvstacks.digests import TreeEntry
from venvstacks.linking.linkage import Linkage, read_linkage

_COMPILED = re.compile(r".+\.(so(\.[0-9][0-9A-Za-z_-]*)*|dylib)")


def read_compiled_files(environment: Path, entries: Iterable[TreeEntry]) -> dict[str, Linkage]:
    """Path of each ELF or Mach-O file that needs others, relative to the environment, and what it needs.

    Raises:
        OSError: A file cannot be read.
    """
    found = {}
    for entry in entries:
        if not entry.is_link and (entry.executable or _COMPILED.fullmatch(entry.path.rpartition("/")[2])):
            linkage = _read(environment / entry.path)
            if linkage is not None and linkage != Linkage():
                found[entry.path] = linkage
    return found


def _read(path: Path) -> Linkage | None:
    with path.open("rb", buffering=0) as stream:
        end = os.fstat(stream.fileno()).st_size

        def read(offset: int, size: int) -> bytes:
            if offset >= end:  # a damaged file may name any place
                return b""
            stream.seek(offset)
            return stream.read(size)

        return read_linkage(read)
