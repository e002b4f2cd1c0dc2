"""What the system can do that tests run on; no tests are needed to ask."""

from __future__ import annotations

import contextlib
import tempfile
from functools import cache
from pathlib import Path


@cache
def has_symbolic_links() -> bool:
    """Whether this user can make symbolic links: ordinary users of Windows cannot."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError):
        Path(folder, "link").symlink_to("target")
        return Path(folder, "link").is_symlink()
    return False


@cache
def keeps_modes() -> bool:
    """Whether files keep the modes that they are given: those of Windows do not."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "file")
        place.touch()
        place.chmod(0o711)
        return place.stat().st_mode & 0o777 == 0o711


@cache
def distinguishes_case() -> bool:
    """Whether names of files may differ in case alone: those of Windows and macOS usually may not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a").touch()
        return not Path(folder, "A").exists()


@cache
def stores_name(name: str) -> bool:
    """Whether a file can have this name: Windows has no line breaks in names, and takes `aux.py` for a device."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError):
        Path(folder, name).touch()
        return [path.name for path in Path(folder).iterdir()] == [name]
    return False
