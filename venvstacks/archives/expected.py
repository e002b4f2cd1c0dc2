"""The members that a layer's archive may hold, derived from its per-file manifest and checked before unpacking.

Pure: no file is read. The archive is later compared with the manifest, but both come from the same server, so the
manifest itself is checked first. Links have to follow the rules of publishing (`members`). The rules for names make
sure that no file replaces another one on any file system.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from venvstacks.digests import TreeEntry
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.relative_paths import (
    check_windows_names,
    folders_above,
    has_drive,
    has_odd_characters,
    is_absolute,
)

MOST_ENTRIES = 500_000
"""Limit for the files and links of one layer, and for its folders: several times what the largest environments have.

The lists come from a server that may be hostile: without a limit, a list of some megabytes could take gigabytes of
memory.
"""

_MOST_LINKS = 40  # the limit of Linux for the links of one path
_LONGEST_NAME = 255
_LONGEST_PATH = 1024
_DEEPEST = 128
_NO_SIBLINGS: AbstractSet[str] = frozenset()
_DIGEST = re.compile(r"[0-9a-f]{64}")


class UnsoundTreeError(ValueError):
    """The listed files cannot be unpacked safely, or not on every file system.

    Attributes:
        paths: The files and links that are at fault.
    """

    def __init__(self, message: str, *paths: str) -> None:
        super().__init__(message)
        self.paths = paths


@dataclass(frozen=True)
class ExpectedTree:
    """The files and links of one layer, checked.

    Attributes:
        top: The one top folder; paths of members begin with it.
        entries: Path below the top folder to the file or link there.
        folders: All folders below the top folder, the top folder itself as the empty path.
    """

    top: str
    entries: Mapping[str, TreeEntry]
    folders: AbstractSet[str]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries.values())


def expect(
    entries: Iterable[TreeEntry],
    top: str,
    *,
    siblings: AbstractSet[str] = _NO_SIBLINGS,
    platform: TargetPlatform | None = None,
) -> ExpectedTree:
    """Check what a manifest lists.

    Args:
        entries: Files and links, paths relative to the top folder.
        top: The top folder's name.
        siblings: Deployed names of the layers below, which links may lead into.
        platform: The layer's platform; names that Windows cannot store are only refused for Windows.

    Raises:
        UnsoundTreeError: Publishing would not write such a name or link, or two names collide.
    """
    listed: dict[str, TreeEntry] = {}
    for entry in entries:
        check_path(entry.path, platform)
        if entry.path in listed:
            raise UnsoundTreeError(f"{entry.path!r} is listed twice", entry.path)
        if not entry.is_link and (entry.size < 0 or not _DIGEST.fullmatch(entry.sha256)):
            raise UnsoundTreeError(f"{entry.path!r} has no proper size or digest", entry.path)
        listed[entry.path] = entry
        if len(listed) > MOST_ENTRIES:
            raise UnsoundTreeError(f"more than {MOST_ENTRIES} files and links")
    folders = _folders_of(listed)
    _check_collisions(listed, folders)
    targets = {path: entry.target for path, entry in listed.items() if entry.target is not None}
    links = _Links(targets, siblings)
    for path in targets:
        links.follow(path)
    return ExpectedTree(top, listed, frozenset(folders))


def check_path(path: str, platform: TargetPlatform | None = None) -> None:
    """Check that `path` is a plain relative path with forward slashes.

    Raises:
        UnsoundTreeError: It is not, or `platform` cannot store it.
    """
    parts = path.split("/")
    if not path or path.startswith("/") or "" in parts or "." in parts or ".." in parts:
        raise UnsoundTreeError(f"{path!r} is not a plain relative path", path)
    if "\\" in path or has_odd_characters(path) or has_drive(path):
        raise UnsoundTreeError(f"{path!r} holds characters that are no part of a file's name", path)
    size = len(path.encode())
    if size > _LONGEST_PATH or (size > _LONGEST_NAME and any(len(part.encode()) > _LONGEST_NAME for part in parts)):
        raise UnsoundTreeError(f"{path[:60]!r}... is too long", path)
    if len(parts) > _DEEPEST:
        raise UnsoundTreeError(f"{path[:60]!r}... is in more than {_DEEPEST} folders", path)
    if platform is not None and platform.is_windows:
        try:
            check_windows_names(path)
        except ValueError as error:
            raise UnsoundTreeError(str(error), path) from None


def folded(path: str) -> str:
    """The path without case and normalised (Unicode D145): the same for all paths that some file system equates."""
    if path.isascii():  # already normalised, like almost all names
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _folders_of(paths: Iterable[str]) -> set[str]:
    """All folders that contain these paths; the top folder is the empty path."""
    folders = {""}
    for folder in folders_above(paths):
        folders.add(folder)
        if len(folders) > MOST_ENTRIES:
            raise UnsoundTreeError(f"more than {MOST_ENTRIES} folders")
    return folders


def _check_collisions(listed: Mapping[str, TreeEntry], folders: AbstractSet[str]) -> None:
    """Refuse names that file systems without case or with normalisation would treat as one.

    Two folders may have such names: they become one folder, and their files still have different names.
    """
    places: dict[str, str] = {folded(folder): folder for folder in folders}
    for path in listed:
        taken = places.setdefault(folded(path), path)
        if taken is not path:
            raise UnsoundTreeError(f"{path!r} and {taken!r} are the same on some file systems", path, taken)


@dataclass(frozen=True)
class _Reached:
    """Where a link leads.

    Attributes:
        place: Path within the layer; empty for the layer's own folder.
        follows: How many links are followed to get there.
        leaves: Whether the link leads into a layer below; then `place` has no meaning.
    """

    place: str
    follows: int
    leaves: bool = False


class _Links:
    """All links of a layer. Each is followed once, so that the time is proportional to the length of the list.

    Args:
        targets: Path of each link to its target.
        siblings: Deployed names of the layers below, which links may lead into.
    """

    def __init__(self, targets: Mapping[str, str], siblings: AbstractSet[str]) -> None:
        self._targets = targets
        self._siblings = siblings
        self._known: dict[str, _Reached] = {}

    def follow(self, path: str, depth: int = 1) -> _Reached:
        """Follow the link at `path` as a file system would, and check that it stays within the layers.

        Raises:
            UnsoundTreeError: The link is absolute, is part of a cycle, leads to the folder that holds the layers or
                above it, or into a layer that is none of the siblings.
        """
        known = self._known.get(path)
        if known is None:
            if depth > _MOST_LINKS:
                raise UnsoundTreeError(f"the link {path!r} goes round in circles", path)
            known = self._known[path] = self._walk(path, depth)
        return known

    def _walk(self, path: str, depth: int) -> _Reached:
        here, follows = path.rpartition("/")[0], 1
        pending = _parts(path, self._targets[path])
        while pending:
            part = pending.pop()
            if part == "..":
                if not here:
                    _check_sibling(path, pending, self._siblings)
                    return _Reached("", follows, leaves=True)
                here = here.rpartition("/")[0]
                continue
            here = f"{here}/{part}" if here else part
            if here in self._targets:
                reached = self.follow(here, depth + 1)
                here, follows = reached.place, follows + reached.follows
                if follows > _MOST_LINKS:
                    raise UnsoundTreeError(f"the link {path!r} goes round in circles", path)
                if reached.leaves:
                    if ".." in pending:
                        raise UnsoundTreeError(f"the link {path!r} leads out of its layer", path)
                    return _Reached("", follows, leaves=True)
        return _Reached(here, follows)


def _parts(path: str, target: str) -> list[str]:
    """The parts of a link's target, last one first."""
    if not target or is_absolute(target):
        raise UnsoundTreeError(f"the link {path!r} leads to {target!r}, out of its layer", path)
    if "\\" in target or has_odd_characters(target) or len(target.encode()) > _LONGEST_PATH:
        raise UnsoundTreeError(f"the link {path!r} has a target that is no path: {target[:60]!r}", path)
    parts = [part for part in reversed(target.split("/")) if part not in {"", "."}]
    if len(parts) > _DEEPEST:
        raise UnsoundTreeError(f"the link {path!r} has a target of more than {_DEEPEST} parts", path)
    return parts


def _check_sibling(path: str, pending: list[str], siblings: AbstractSet[str]) -> None:
    """Check the rest of a path that has reached the folder of the layers: it must lead down into a layer below."""
    if not pending or pending[-1] not in siblings or ".." in pending:
        where = "/".join(reversed(pending))
        raise UnsoundTreeError(f"the link {path!r} leads out of its layer, to '../{where}'", path)
