"""The members of a bundle's zip archive: written one after the other, of any size, with the same bytes every time."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

TIME = (1980, 1, 1, 0, 0, 0)
_PIECE = 1 << 20
_LARGE = 1 << 31


@dataclass(frozen=True)
class WrittenMember:
    """A member.

    Attributes:
        begin: Where its bytes begin in the file, counted from 0.
        size: Their number.
        sha256: Hex digest of them.
    """

    begin: int
    size: int
    sha256: str


class BundleMembers:
    """Writes members to an open file, after what is in it already; at the end of a `with` block it is a zip archive."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._archive = zipfile.ZipFile(stream, "w")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._archive.close()

    def store(self, name: str, pieces: Iterable[bytes]) -> WrittenMember:
        """Add a member that is not compressed, so that its bytes can be read where they are."""
        digest, size = hashlib.sha256(), 0
        with self._archive.open(_header(name, zipfile.ZIP_STORED), "w", force_zip64=True) as member:
            begin = self._stream.tell()
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                member.write(piece)
        return WrittenMember(begin, size, digest.hexdigest())

    def compress(self, name: str, place: Path) -> None:
        """Add a compressed member with the content of a file."""
        large = place.stat().st_size >= _LARGE
        with self._archive.open(_header(name, zipfile.ZIP_DEFLATED), "w", force_zip64=large) as member:
            for piece in pieces_of(place):
                member.write(piece)


def _header(name: str, method: int) -> zipfile.ZipInfo:
    header = zipfile.ZipInfo(name, TIME)
    header.external_attr = 0o100644 << 16
    header.create_system = 3  # the same on all systems
    header.compress_type = method
    return header


def pieces_of(place: Path | zipfile.Path) -> Iterator[bytes]:
    """The content of a file, a piece at a time."""
    with place.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
