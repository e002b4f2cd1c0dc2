"""Shared results in a folder, also on a network file system: written whole by renaming, by any number of writers.

    <folder>/ac/<key>        records
    <folder>/cas/<sha256>    blobs

The layout is that of Bazel's HTTP caches, so that a web server can serve the folder. The time of a file's last use is
its modification time, so that the least recently used can go first (`caches`).
"""

from __future__ import annotations

import contextlib
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from venvstacks.errors import UsageError
from venvstacks.sharing.result_stores import PIECE, Area, Content, StoreAccess
from venvstacks.tools.cache_locks import note_use
from venvstacks.tools.files import home_expanded, make_folders


@dataclass(frozen=True)
class FolderResults:
    """A `ResultStore` in a folder."""

    folder: Path

    @classmethod
    def of(cls, access: StoreAccess) -> FolderResults:
        """The store of a path or `file://` URL.

        Raises:
            UsageError: The URL names another machine.
        """
        parts = urlsplit(access.url)
        if parts.scheme.lower() != "file":
            return cls(access.base / home_expanded(access.url))
        if parts.netloc not in {"", "localhost"}:
            raise UsageError(
                f"a file URL names a folder of this machine, not of '{parts.netloc}'",
                hint="write file:///folder, and mount the other machine's folder",
            )
        return cls(Path(url2pathname(parts.path)))

    @contextmanager
    def opened(self, area: Area, name: str) -> Iterator[Iterator[bytes] | None]:
        """The content of a file; its last use is noted."""
        place = self.folder / area / name
        try:
            if not stat.S_ISREG(place.stat().st_mode):
                raise OSError(f"{place} is not a regular file")
            stream = place.open("rb")
        except FileNotFoundError:
            if not self.folder.parent.is_dir():  # of a folder that is not mounted, nothing is known
                raise OSError(f"there is no folder {self.folder.parent}") from None
            yield None
            return
        note_use(place)
        with stream:
            yield iter(lambda: stream.read(PIECE), b"")

    def has(self, area: Area, name: str, size: int) -> bool:
        """Whether there is a file of that size: one that a crash of its machine has cut off is written again."""
        place = self.folder / area / name
        try:
            if place.stat().st_size != size:
                return False
        except FileNotFoundError:
            return False
        note_use(place)  # a record that names it is about to be written
        return True

    def put(self, area: Area, name: str, content: Content) -> None:
        """Write a file under another name and rename it; no lock is needed, as equal names have equal content."""
        place = self.folder / area / name
        if not self.folder.parent.is_dir():
            raise OSError(f"there is no folder {self.folder.parent}")
        make_folders(place.parent)
        temporary = place.with_name(f".{name[:16]}.{secrets.token_hex(8)}.part")
        try:
            with temporary.open("xb") as stream:
                for piece in content.pieces():
                    stream.write(piece)
            temporary.replace(place)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def discard(self, area: Area, name: str) -> None:
        """Remove a damaged file."""
        with contextlib.suppress(OSError):
            (self.folder / area / name).unlink()

    def close(self) -> None:
        """Nothing is open."""
