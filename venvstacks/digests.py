"""SHA-256 of bytes, of canonical JSON, of files and of whole trees.

All hashes of this program are made here, so that two hashes are comparable if and only if they were made by the same
function. Values are hashed as canonical JSON, never as joined strings, which collide.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from venvstacks.modes import is_executable

_PREFIX = "sha256:"
_SMALL = 1 << 20
_PIECE = 1 << 18


def sha256_bytes(data: bytes) -> str:
    """Hex SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: object) -> bytes:
    """`value` as JSON with sorted keys, no white space, and UTF-8 kept as it is: one spelling per value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def sha256_json(value: object) -> str:
    """Hex SHA-256 of the canonical JSON of `value` (dicts with string keys, lists or tuples, scalars)."""
    return sha256_bytes(canonical_json(value))


def sha256_file(path: Path | str, size: int | None = None) -> str:
    """Hex SHA-256 of a file's content.

    Args:
        path: The file.
        size: Its size in bytes, where that is known: small files are read whole, a third faster than in pieces.

    Raises:
        OSError: The file cannot be read.
    """
    with io.FileIO(path) as stream:
        return sha256_bytes(stream.readall()) if size is not None and size <= _SMALL else sha256_stream(stream)


def sha256_stream(stream: IO[bytes] | io.RawIOBase) -> str:
    """Hex SHA-256 of what is left in an open file."""
    digest = hashlib.sha256()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def prefixed(hexdigest: str) -> str:
    """The form in which hashes appear in lock metadata and manifests: `sha256:<hex>`."""
    return _PREFIX + hexdigest


@dataclass(frozen=True, order=True)
class TreeEntry:
    """One file or symbolic link of a tree.

    Attributes:
        path: Relative to the tree's root, with forward slashes.
        size: Bytes of content; 0 for a link.
        executable: Whether the owner may execute the file; False for a link, and for all files on Windows.
        sha256: Hex digest of the content; empty for a link.
        target: What a link points to, as it is written in the link; None for a file.
    """

    path: str
    size: int = 0
    executable: bool = False
    sha256: str = ""
    target: str | None = None

    @property
    def is_link(self) -> bool:
        """Whether this is a symbolic link."""
        return self.target is not None


def walk_tree(root: Path, keep: Callable[[str], bool] = lambda _: True) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files and symbolic links below `root` as (relative path, entry), in sorted order of path components.

    Links are never followed. `keep` is asked with the relative path of every file, link and folder; what it refuses
    is skipped, folders with everything in them. Empty folders do not appear: a tree is its files and links.
    """
    pending = [("", str(root))]
    while pending:
        prefix, folder = pending.pop()
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
        below = []
        for entry in entries:
            path = prefix + entry.name
            if not keep(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append((path + "/", entry.path))
            else:
                yield path, entry
        pending.extend(reversed(below))


def scan_tree(root: Path, keep: Callable[[str], bool] = lambda _: True) -> tuple[TreeEntry, ...]:
    """Every file and link below `root` with its digest, sorted by path.

    Raises:
        OSError: Something cannot be read, or is neither a file, a folder nor a link.
    """
    return tuple(sorted(entry_of(path, entry) for path, entry in walk_tree(root, keep)))


def entry_of(path: str, entry: os.DirEntry[str]) -> TreeEntry:
    """The present state of a tree's entry at `path`.

    Raises:
        OSError: It cannot be read, or is neither a file nor a link.
    """
    if entry.is_symlink():
        return TreeEntry(path, target=Path(entry.path).readlink().as_posix())
    info = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(info.st_mode):
        raise OSError(f"{entry.path} is neither a file nor a folder nor a symbolic link")
    executable = os.name == "posix" and is_executable(info.st_mode)  # Windows has no such bit; Python goes by names
    if info.st_size > _SMALL:
        return TreeEntry(path, info.st_size, executable, sha256_file(entry.path))
    with io.FileIO(entry.path) as stream:
        content = stream.readall()  # as `sha256_file` does, and the size is that of what was hashed
    return TreeEntry(path, len(content), executable, sha256_bytes(content))


def tree_digest(entries: Iterable[TreeEntry]) -> str:
    """Hex SHA-256 of a tree's content: names, executable bits, contents and link targets, nothing else.

    It does not depend on times, owners, other mode bits, the order in which entries are given, or the place of the
    tree.
    """
    rows = [[entry.path, entry.executable, entry.sha256, entry.target] for entry in sorted(entries)]
    return sha256_json(rows)
