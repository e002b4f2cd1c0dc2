"""What a layer's archive may hold, worked out from its per-file manifest before anything is written.

Pure. The archive is compared with the manifest, but both come from the same place: the manifest is checked first.
Link rules are those that publishing keeps (`members`). Name rules keep one file from taking another's place on any
file system.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from venvstacks.digests import TreeEntry
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.relative_paths import has_drive, has_odd_characters, is_absolute

MOST_ENTRIES = 500_000
"""Files and links of one layer, and folders of one: several times as many as the largest environments have.

Lists come from wherever archives come from: without a limit, megabytes of them would cost gigabytes of memory.
"""

_MOST_LINKS = 40  # as many as Linux follows in one path
_LONGEST_NAME = 255
_LONGEST_PATH = 1024
_DEEPEST = 128
_WINDOWS_SIGNS = re.compile(r'[<>:"|?*]')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_NO_SIBLINGS: AbstractSet[str] = frozenset()
_DIGEST = re.compile(r"[0-9a-f]{64}")


class UnsoundTreeError(ValueError):
    """What is listed cannot be unpacked everywhere, or not safely.

    Attributes:
        paths: The files and links that it is about.
    """

    def __init__(self, message: str, *paths: str) -> None:
        super().__init__(message)
        self.paths = paths


@dataclass(frozen=True)
class ExpectedTree:
    """The files and links of one layer, checked.

    Attributes:
        top: The one top folder; paths of members begin with it.
        entries: Path below the top folder to what is there.
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
        platform: Names that only one system cannot store are refused for that system.

    Raises:
        UnsoundTreeError: A name or a link is not one that publishing would write, or two of them collide.
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
    """See that `path` is a plain relative path with forward slashes.

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
        raise UnsoundTreeError(f"{path[:60]!r}... lies in more than {_DEEPEST} folders", path)
    if platform is not None and platform.is_windows:
        for part in parts:
            if _WINDOWS_SIGNS.search(part) or part[-1] in ". " or _WINDOWS_DEVICES.fullmatch(part):
                raise UnsoundTreeError(f"{path!r} cannot be a file's name on Windows", path)


def folded(path: str) -> str:
    """One spelling for all names that some file system takes for the same: without case, normalised (Unicode D145)."""
    if path.isascii():  # normalised already, as almost all are
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _folders_of(paths: Iterable[str]) -> set[str]:
    """All folders on the way to these paths, the top folder as the empty path."""
    folders = {""}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in folders:
            folders.add(folder)
            if len(folders) > MOST_ENTRIES:
                raise UnsoundTreeError(f"more than {MOST_ENTRIES} folders")
            folder = folder.rpartition("/")[0]
    return folders


def _check_collisions(listed: Mapping[str, TreeEntry], folders: AbstractSet[str]) -> None:
    """No file or link may take the place of another, or of a folder, on file systems that fold names.

    Two folders may: what is in them stays apart, and they only become one.
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
        place: Path within the layer; empty for the layer itself.
        follows: How many links are followed on the way.
        leaves: Whether it leads into a layer below; then `place` means nothing.
    """

    place: str
    follows: int
    leaves: bool = False


class _Links:
    """All links of a layer. Each is followed once, so that the work grows with the length of the list alone.

    Args:
        targets: Path of each link to its target.
        siblings: Deployed names of the layers below, which links may lead into.
    """

    def __init__(self, targets: Mapping[str, str], siblings: AbstractSet[str]) -> None:
        self._targets = targets
        self._siblings = siblings
        self._known: dict[str, _Reached] = {}

    def follow(self, path: str, depth: int = 1) -> _Reached:
        """Follow the link at `path` as a file system would, and see that it stays among the layers.

        Raises:
            UnsoundTreeError: It is absolute, goes round in circles, reaches the folder that holds the layers or
                further, or a layer that is none of the siblings.
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
    """What is left of a path when it reaches the folder of the layers: a layer below, and a way down in it."""
    if not pending or pending[-1] not in siblings or ".." in pending:
        where = "/".join(reversed(pending))
        raise UnsoundTreeError(f"the link {path!r} leads out of its layer, to '../{where}'", path)
