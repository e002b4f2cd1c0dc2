"""One file for several installed layers: clones where the file system has them, else hard links of compiled code.

A hard link is the same file under a second name, so what is written to one is written to all. Only compiled code is
linked, which programs load and nobody edits, and it is made read-only: see docs/decisions/0056.
"""

from __future__ import annotations

import io
import os
import stat
import tempfile
from pathlib import Path

from venvstacks.modes import file_mode, is_executable
from venvstacks.tools.clones import clone_file, lay_file

_COMPILED = b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"  # Linux; macOS, for one processor and for several
_HAS_LINKS = os.name == "posix"


def lay_shared(source: Path, target: Path, *, executable: bool, linked: bool = True) -> None:
    """Create the file `target` with the content of `source`, and with as few further blocks on the disk as possible.

    Args:
        source: A file of an installed layer. It becomes read-only if `target` becomes its second name.
        target: The new file.
        executable: Whether it may be executed.
        linked: Whether it may be a hard link. A process that loads both files takes these for one library.

    Raises:
        OSError: It cannot be read or written, or `target` is there already.
    """
    if not (linked and is_compiled(source) and share_file(source, target, executable=executable)):
        lay_file(source, target)
        target.chmod(file_mode(executable=executable))


def share_file(source: Path, target: Path, *, executable: bool) -> bool:
    """Create the file `target` with the content of `source`, which is compiled code, if blocks can be shared.

    Returns:
        Whether it was created.

    Raises:
        OSError: `source` cannot be read, or `target` is there already.
    """
    if clone_file(source, target):
        target.chmod(file_mode(executable=executable))
        return True
    return _linked(source, target, executable=executable)


def _linked(source: Path, target: Path, *, executable: bool) -> bool:
    """Make `target` a name of `source`, if that belongs to this user and has the right mode.

    Windows is left out: a library that a program has loaded cannot be removed there, under none of its names.
    """
    if not _HAS_LINKS:
        return False
    try:
        info = source.lstat()
        if not stat.S_ISREG(info.st_mode) or info.st_uid != os.geteuid() or is_executable(info.st_mode) != executable:
            return False
        source.chmod(stat.S_IMODE(info.st_mode) & ~0o222)
        os.link(source, target)
    except OSError:  # another file system, one without links, or as many links as it allows
        return False
    return True


def is_compiled(file: Path) -> bool:
    """Whether a file is a compiled program or library of Linux or macOS, by its first bytes.

    Raises:
        OSError: It cannot be read.
    """
    with io.FileIO(file) as stream:
        return begins_compiled_code(stream.read(4))


def begins_compiled_code(content: bytes) -> bool:
    """Whether a compiled program or library begins so."""
    return content.startswith(_COMPILED)


def replace_by_shared(source: Path, target: Path, *, executable: bool) -> bool:
    """Replace a file by one that shares the blocks of `source`, which has the same content.

    Returns:
        Whether it was replaced; it is left as it is where blocks cannot be shared.

    Raises:
        OSError: The folder cannot be written to.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".shared-") as name:
        beside = Path(name, target.name)
        if not share_file(source, beside, executable=executable):
            return False
        beside.replace(target)
        return True
