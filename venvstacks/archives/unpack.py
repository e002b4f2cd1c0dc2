"""Unpacking archives into an empty folder: every member is compared with the manifest before and while it is written.

The manifest alone decides which paths are written. All folders are created from the manifest, only files that do not
exist are created, and symbolic links are created after all files, so that no file is written through a link. No more
bytes than the manifest announces are written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from venvstacks.archives.expected import ExpectedTree, folded
from venvstacks.archives.found import FoundMember
from venvstacks.archives.inflate import plain_chunks
from venvstacks.archives.tar_reader import read_tar
from venvstacks.archives.zip_reader import read_zip
from venvstacks.digests import TreeEntry
from venvstacks.errors import InterruptedRunError, UnsafeArchiveError
from venvstacks.modes import FOLDER_MODE, file_mode

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_ZIP_ENTRY = 46 + 64  # a record in a zip archive's directory, apart from the name, with more than it needs
_ZIP_SLACK = 1 << 16
READABLE = ("tar.zst", "tar.xz", "tar.gz", "zip")


def unpack_archive(
    archive: Path | zipfile.Path,
    expected: ExpectedTree,
    destination: Path,
    stopping: Callable[[], bool] = lambda: False,
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Unpack the members of `archive` to `destination/<top>/...`.

    Args:
        archive: The file, or a member of a zip archive that is not compressed; its name ends in one of `READABLE`.
        expected: All members that the archive must hold.
        destination: An empty folder that no other process writes to. After a failure it holds some of the files.
        stopping: Called before every member; returns whether to stop because the run is being interrupted.
        on_bytes: Called with the number of bytes of every piece that is written.

    Raises:
        UnsafeArchiveError: The archive is damaged or differs from `expected`.
        InterruptedRunError: `stopping` returned True.
        OSError: The folder cannot be written to.
    """
    root = destination / expected.top
    make_listed_folders(root, expected.folders)
    try:
        with _members(archive, expected) as found:
            _unpack(_before_each(found, stopping), expected, root, on_bytes)
    except ValueError as error:
        raise UnsafeArchiveError(
            f"the archive {archive.name} is refused: {error}",
            hint="fetch it again, or have it published again; nothing of it was kept",
        ) from error


def make_listed_folders(root: Path, folders: Iterable[str]) -> None:
    """Create `folders`, paths relative to `root`; an empty path is `root` itself.

    Where the file system folds names, folders whose names differ only in case or normalisation become one folder.

    Raises:
        FileExistsError: One exists already.
        OSError: One cannot be created.
    """
    created: set[str] = set()
    for folder in sorted(folders):
        (root / folder).mkdir(exist_ok=folded(folder) in created)
        (root / folder).chmod(FOLDER_MODE)
        created.add(folded(folder))


def archive_suffix(name: str) -> str:
    """The suffix of the archive's name, one of `READABLE`.

    Raises:
        ValueError: The name ends in none of them.
    """
    for suffix in READABLE:
        if name.endswith(f".{suffix}"):
            return suffix
    raise ValueError(f"{name!r} is no archive of a known format")


@contextlib.contextmanager
def _members(archive: Path | zipfile.Path, expected: ExpectedTree) -> Iterator[Iterator[FoundMember]]:
    suffix = archive_suffix(archive.name)
    with cast("BinaryIO", archive.open("rb")) as stream:
        if suffix == "zip":
            yield read_zip(stream, _directory_limit(expected))
            return
        with plain_chunks(stream, suffix) as chunks:
            yield read_tar(chunks)


def _directory_limit(expected: ExpectedTree) -> int:
    """The bytes that the directory of a zip archive of these members may have."""
    names = (*expected.entries, *expected.folders)
    top = len(expected.top.encode()) + 2
    return _ZIP_SLACK + sum(_ZIP_ENTRY + top + len(name.encode()) for name in names)


def _before_each(members: Iterator[FoundMember], stopping: Callable[[], bool]) -> Iterator[FoundMember]:
    for member in members:
        if stopping():
            raise InterruptedRunError
        yield member


def _unpack(
    members: Iterable[FoundMember], expected: ExpectedTree, root: Path, on_bytes: Callable[[int], None] | None
) -> None:
    missing = dict(expected.entries)
    seen_folders: set[str] = set()
    for found in members:
        path = _path_in_layer(found.path, expected.top)
        if found.is_folder:
            if path not in expected.folders or path in seen_folders:
                raise ValueError(f"the folder {found.path!r} is not in the manifest, or there twice")
            seen_folders.add(path)
            continue
        entry = missing.pop(path, None)
        if entry is None:
            again = path in expected.entries
            raise ValueError(f"{found.path!r} is {'there twice' if again else 'not in the manifest'}")
        _check_announced(found, entry)
        if not entry.is_link:
            place = os.path.join(root, path)  # noqa: PTH118 - twice as fast
            content = found.content if on_bytes is None else _counted(found.content, on_bytes)
            write_verified(content, entry, place, found.path)
    if missing:
        raise ValueError(f"{next(iter(missing))!r} is missing, with {len(missing) - 1} more")
    make_links(expected, root)


def _counted(content: Iterable[bytes | memoryview], on_bytes: Callable[[int], None]) -> Iterator[bytes | memoryview]:
    for piece in content:
        yield piece
        on_bytes(len(piece))


def read_some_files(
    archive: Path | zipfile.Path, expected: ExpectedTree, wanted: Collection[str]
) -> Iterator[tuple[str, bytes]]:
    """The contents of some files of an archive, in the order of the archive, each compared with the manifest.

    Args:
        archive: The file; its name ends in one of `READABLE`.
        expected: All members that it must hold.
        wanted: Paths of files below the top folder; their contents are held in memory, one at a time.

    Raises:
        UnsafeArchiveError: The archive is damaged or differs from `expected`.
        OSError: It cannot be read.
    """
    left = {path for path in wanted if not expected.entries[path].is_link}
    try:
        with _members(archive, expected) as found_members:
            for found in found_members:
                path = _path_in_layer(found.path, expected.top)
                if path in left and not found.is_folder:
                    left.discard(path)
                    yield path, _verified(found, expected.entries[path])
                if not left:
                    return
    except ValueError as error:
        raise UnsafeArchiveError(f"the archive {archive.name} is refused: {error}", hint="fetch it again") from error


def _verified(found: FoundMember, entry: TreeEntry) -> bytes:
    _check_announced(found, entry)
    content = b"".join(found.content)  # as many bytes as announced
    if len(content) != entry.size or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ValueError(f"{found.path!r} has another content than in the manifest")
    return content


def _path_in_layer(path: str, top: str) -> str:
    if path == top:
        return ""
    if not path.startswith(f"{top}/"):
        raise ValueError(f"{path!r} is not below the top folder {top!r}")
    return path[len(top) + 1 :]


def _check_announced(found: FoundMember, entry: TreeEntry) -> None:
    if found.target != entry.target:
        raise ValueError(f"{found.path!r} is another kind of entry, or another link, than in the manifest")
    if not entry.is_link and (found.size, found.executable) != (entry.size, entry.executable):
        raise ValueError(f"{found.path!r} has another size or mode than in the manifest")


def write_verified(content: Iterable[bytes | memoryview], entry: TreeEntry, place: Path | str, name: str) -> None:
    """Write a new file, with the mode that the manifest lists; its bytes are compared while they are written.

    Args:
        content: Its bytes, in pieces.
        entry: What the manifest lists.
        place: Where it is written; nothing may be there.
        name: How messages call it.

    Raises:
        ValueError: The content is another one than `entry` says.
        OSError: It cannot be written.
    """
    digest = hashlib.sha256()
    left = entry.size
    mode = file_mode(executable=entry.executable)
    with open(os.open(place, _NEW_FILE, mode), "wb", buffering=0) as stream:  # noqa: PTH123 - by descriptor
        if hasattr(os, "fchmod"):  # the mode must not depend on the umask
            os.fchmod(stream.fileno(), mode)
        for piece in content:
            left -= len(piece)
            if left < 0:
                raise ValueError(f"{name!r} has more bytes than announced")
            digest.update(piece)
            _write_all(stream.fileno(), piece)
    if left or digest.hexdigest() != entry.sha256:
        raise ValueError(f"{name!r} has other content than in the manifest")


def _write_all(descriptor: int, piece: memoryview | bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def make_links(expected: ExpectedTree, root: Path) -> None:
    """Create the links of a tree, after all its files.

    Raises:
        OSError: One cannot be created.
    """
    for path, entry in expected.entries.items():
        if entry.target is not None:
            (root / path).symlink_to(entry.target)
