"""The old version of a layer: its files on this machine, found by their digests."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from venvstacks.digests import TreeEntry


@dataclass(frozen=True)
class OldVersion:
    """The files of an old version.

    Attributes:
        root: The layer's folder.
        entries: Its files and links, as its per-file manifest lists them.
    """

    root: Path
    entries: Iterable[TreeEntry]

    @cached_property
    def by_digest(self) -> Mapping[str, TreeEntry]:
        """A file of each content."""
        return {entry.sha256: entry for entry in self.entries if not entry.is_link}

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        """The content of each file, by its path."""
        return {entry.path: entry.sha256 for entry in self.entries if not entry.is_link}

    def place(self, digest: str, path: str = "") -> Path:
        """The file that should have this content: that at `path`, if it is one of several.

        Raises:
            ValueError: It is missing, of another size, or no regular file, which reading might wait for.
        """
        entry = self.by_digest[digest]
        place = self.root / (path if self._digests.get(path) == digest else entry.path)
        try:
            info = place.lstat()
        except OSError as error:
            raise ValueError(f"the installed file {place} cannot be read: {error.strerror or error}") from error
        if not stat.S_ISREG(info.st_mode) or info.st_size != entry.size:
            raise ValueError(f"the installed file {place} was changed")
        return place
