"""Files and folders: atomic writes, staging folders, replacing trees, hard links."""

from __future__ import annotations

import contextlib
import errno
import glob
import importlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from venvstacks.modes import FOLDER_MODE, file_mode, settled_mode
from venvstacks.tools.patience import rename_patiently, replace_patiently
from venvstacks.tools.tree_removal import remove_tree

fcntl: ModuleType | None = None  # Windows
with contextlib.suppress(ImportError):
    fcntl = importlib.import_module("fcntl")

_PART = re.compile(r"\..+\.([a-z0-9_]{8}|\d+)\.part")
"""Names of temporary files: of `replacing`, and of post-install scripts, which add the number of their process."""


def home_expanded(path: Path | str) -> Path:
    """`path` with the home folder for `~` or `~name` at its beginning; as it is if there is no such user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - the method of `Path` fails for unknown users


def write_atomically(path: Path, data: bytes | str) -> None:
    r"""Write `data` to a temporary file next to `path` and rename it; folders above are created.

    Text is written as UTF-8 with `\n` line ends. A reader sees the old file or the new one, never a part.

    Raises:
        OSError: It cannot be written (full disk, read-only folder); the old file is untouched.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_program(path: Path, text: str) -> None:
    """Write a script that everybody may start, atomically; a file that is the same already is not written.

    Raises:
        OSError: It cannot be written.
    """
    with contextlib.suppress(OSError):
        if read_regular(path) == text.encode() and os.access(path, os.X_OK):
            return
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())
        temporary.chmod(file_mode(executable=True))


def read_regular(path: Path) -> bytes:
    """The content of a regular file. Anything else, such as a FIFO that nobody writes to, is an error, not a wait.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    if stat.S_ISREG(path.stat().st_mode):  # asked before opening, which has effects for some devices
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as stream:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return stream.read()
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def move_file(source: Path, target: Path) -> None:
    """Move a file to another place, also on another file system; what was there is replaced as a whole.

    Raises:
        OSError: It cannot be written there.
    """
    with replacing(target) as temporary:
        try:
            source.replace(temporary)
        except OSError:
            shutil.copyfile(source, temporary)
            source.unlink()


def write_if_changed(path: Path, data: bytes | str) -> bool:
    """Like `write_atomically`, but leave a file alone that already holds `data`; say whether it was written."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return False
    write_atomically(path, content)
    return True


@contextlib.contextmanager
def replacing(path: Path, rename: Callable[[], Path] | None = None) -> Iterator[Path]:
    """A temporary file next to `path` that replaces it if the block succeeds, and is removed if it fails.

    Args:
        path: The file.
        rename: Gives another name for the finished file, in the same folder; called when the block has succeeded.

    Raises:
        OSError: The folder cannot be made or written to.
    """
    make_folders(path.parent)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    with _marked_as_alive(handle):
        try:
            yield temporary
            temporary.chmod(settled_mode(temporary.stat().st_mode))  # mkstemp makes files private
            replace_patiently(temporary, rename() if rename else path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


@contextlib.contextmanager
def _marked_as_alive(handle: int) -> Iterator[None]:
    """Hold a lock on an open file until the block, or this process, ends; see `remove_abandoned`."""
    if fcntl is None:
        os.close(handle)  # where there are no such locks, an open file cannot be renamed either
        yield
        return
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files in `folder` that killed processes began; not those that are being written."""
    with contextlib.suppress(OSError), os.scandir(folder) as scan:
        for entry in scan:
            if _PART.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("rb") as stream:
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


@contextlib.contextmanager
def staging_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new empty folder below `parent`, removed with all that is left in it when the block ends."""
    make_folders(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=parent))
    folder.chmod(FOLDER_MODE)
    try:
        yield folder
    finally:
        remove_tree(folder)


def make_folders(folder: Path) -> None:
    """Create a folder and all missing ones above it, with the modes of published folders under any umask.

    Raises:
        OSError: It cannot be created, or a file is in the way.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        try:
            new.mkdir()
        except FileExistsError:
            if not new.is_dir():
                raise
        else:
            new.chmod(FOLDER_MODE)


def remove_leftovers(parent: Path, name: str) -> None:
    """Remove what killed processes left of `staging_folder(parent, name)`; nobody else may be using that name.

    Raises:
        OSError: Something could not be removed.
    """
    for folder in parent.glob(f"{glob.escape(name)}.*"):
        if re.fullmatch("[a-z0-9_]{8}", folder.name.removeprefix(f"{name}.")):  # what mkdtemp adds
            remove_tree(folder)


def swap_in(new: Path, place: Path, *, trash: Path) -> None:
    """Put the tree `new` at `place`; an earlier tree there is moved to the folder `trash` and removed.

    All three must be on one file system. Two renames: a crash between them leaves `place` missing, never mixed.
    """
    make_folders(place.parent)
    if not os.path.lexists(place):
        rename_patiently(new, place)
        return
    with staging_folder(trash, place.name) as bin_folder:
        rename_patiently(place, bin_folder / "old")
        rename_patiently(new, place)


def path_from(start: Path | str, path: Path | str, flavour: ModuleType = os.path) -> str:
    """`path` as it is written relative to the folder `start`, with forward slashes; absolute on another drive.

    Args:
        start: The folder.
        path: The path; both are absolute, or relative to the current folder.
        flavour: `posixpath` or `ntpath`, after this machine's system.
    """
    try:
        found = flavour.relpath(path, start)
    except ValueError:  # no relative path leads to another drive of Windows
        found = flavour.abspath(path)
    return str(found.replace(flavour.sep, "/"))


def link_or_copy(source: Path | str, target: Path | str) -> None:
    """Hard-link `source` to `target`, or copy content and executable bit where hard links are not possible.

    Raises:
        OSError: Neither is possible.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target)
        Path(target).chmod(settled_mode(Path(source).stat().st_mode))
