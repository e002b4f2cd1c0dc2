"""A tree on disk compared with a list of its files and links: what is missing, changed or not listed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from venvstacks.digests import TreeEntry, sha256_file, walk_tree
from venvstacks.modes import is_executable

DifferenceKind = Literal["missing", "changed", "foreign"]


@dataclass(frozen=True)
class TreeDifference:
    """One path at which a tree differs from its list.

    Attributes:
        path: Relative to the tree, with forward slashes.
        kind: It is listed and missing, it differs from the list, or it is not listed (`foreign`).
        found: The entry on disk; None if it is missing.
    """

    path: str
    kind: DifferenceKind
    found: os.DirEntry[str] | None = None


def compare_tree(
    root: Path,
    listed: Mapping[str, TreeEntry],
    keep: Callable[[str], bool] = lambda _: True,
    *,
    more_executable: bool = False,
    threads: int = 2,
) -> Iterator[TreeDifference]:
    """All differences; those that need no file to be read come first.

    Files are compared by kind, size and executable bit, and then by digest; links by their target.

    Args:
        root: The tree; everything is missing if there is no such folder.
        listed: What it should hold, by path.
        keep: Called for every path on disk; paths that it refuses are skipped, folders with everything in them.
        more_executable: Whether files may be executable that are not listed as such (somebody has unpacked them so).
        threads: How many files are hashed at the same time.

    Raises:
        OSError: Something cannot be read.
    """
    present = dict(walk_tree(root, keep)) if root.is_dir() else {}
    for path, spelling in other_spellings(root, listed.keys() - present.keys(), present.keys() - listed.keys()).items():
        present[path] = present.pop(spelling)
    to_hash: list[tuple[os.DirEntry[str], str, TreeEntry]] = []
    for path, found in present.items():
        entry = listed.get(path)
        if entry is None:
            yield TreeDifference(path, "foreign", found)
        elif not _looks_alike(entry, found, more_executable=more_executable):
            yield TreeDifference(path, "changed", found)
        elif not entry.is_link:
            to_hash.append((found, path, entry))
    yield from (TreeDifference(path, "missing") for path in listed if path not in present)
    to_hash.sort(key=lambda row: row[2].size)  # so that every thread gets as many bytes
    lanes = [to_hash[lane::threads] for lane in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        for changed in pool.map(_other_content, lanes):
            yield from changed


def other_spellings(root: Path, missing: Iterable[str], present: Iterable[str]) -> dict[str, str]:
    """Paths that a file system which folds names has under another spelling: what is looked for to what is listed.

    There, files of two folders whose names differ only in case are in one folder, which has one of the names.

    Args:
        root: The tree.
        missing: Paths that are looked for; on other file systems, none of them exists.
        present: Paths that walking the tree gives and that nobody looks for.

    Raises:
        OSError: A path cannot be looked up.
    """
    folded = {path: _identity(root / path) for path in missing if os.path.lexists(root / path)}
    if not folded:
        return {}
    spellings = {_identity(root / path): path for path in present}
    return {path: spellings[identity] for path, identity in folded.items() if identity in spellings}


def _identity(path: Path) -> tuple[int, int]:
    info = path.lstat()
    return info.st_dev, info.st_ino


def _looks_alike(entry: TreeEntry, found: os.DirEntry[str], *, more_executable: bool) -> bool:
    if found.is_symlink():
        return entry.target == Path(found.path).readlink().as_posix()
    info = found.stat(follow_symlinks=False)
    if not stat.S_ISREG(info.st_mode):  # reading a FIFO could wait without end
        return False
    executable = is_executable(info.st_mode) or os.name != "posix"
    allowed = executable >= entry.executable if more_executable else executable == entry.executable
    return not entry.is_link and info.st_size == entry.size and (allowed or os.name != "posix")


def _other_content(files: list[tuple[os.DirEntry[str], str, TreeEntry]]) -> list[TreeDifference]:
    return [
        TreeDifference(path, "changed", found)
        for found, path, entry in files
        if sha256_file(found.path, entry.size) != entry.sha256
    ]
