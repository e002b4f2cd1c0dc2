"""The shared libraries that this machine's programs find (Linux)."""

from __future__ import annotations

import re
from pathlib import Path

LINKER_CACHE = Path("/etc/ld.so.cache")
"""Where glibc's dynamic linker keeps the paths of all libraries in the system's folders."""

_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")


def missing_libraries(names: tuple[str, ...], cache: Path = LINKER_CACHE) -> tuple[str, ...]:
    """Those of the libraries that this machine does not have, or of which that is not known.

    Nothing is loaded for that. A library for another processor counts, too; most systems have none.

    Args:
        names: Such as `libssl.so.3`.
        cache: The dynamic linker's cache; without one only the usual folders are looked into.
    """
    if not names:
        return ()
    try:
        known = cache.read_bytes()
    except OSError:
        known = b""
    return tuple(name for name in names if not _is_listed(name, known) and not _is_in_a_folder(name))


def _is_listed(name: str, known: bytes) -> bool:
    return re.search(rb"[/\0]" + re.escape(name.encode()) + rb"\0", known) is not None


def _is_in_a_folder(name: str) -> bool:
    return any(Path(folder, name).exists() for folder in _FOLDERS)
