"""Two archives compared member by member: the first member that differs, and how.

For archives that this program has written, and whose bytes should be the same. All fields of a member are compared,
also those that no reader needs: reproducibility usually fails in times, owners and modes.
"""

from __future__ import annotations

import contextlib
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, Literal

from venvstacks.archives.inflate import plain_chunks
from venvstacks.archives.unpack import archive_suffix

DifferenceKind = Literal["missing", "order", "type", "link", "mode", "owner", "time", "content", "packing"]

_PIECE = 1 << 18
_SHOWN = 24


@dataclass(frozen=True)
class ArchiveDifference:
    """Where two archives differ.

    Attributes:
        member: The first member that differs; empty if only the packing differs.
        kind: How it differs: it is `missing` in one archive, or differs in its place in the `order`, in its `type`, in
            the target of a `link`, in `mode`, `owner`, `time` or `content`; `packing` if all members are equal.
        detail: What the first archive has, and what the second one.
    """

    member: str
    kind: DifferenceKind
    detail: str


@dataclass(frozen=True)
class _Seen:
    """A member as it is in an archive; its content must be read before the next member is."""

    path: str
    metadata: dict[DifferenceKind, str]
    read: Callable[[], bytes] = field(default=lambda: b"", compare=False)


def compare_archives(first: Path, second: Path) -> ArchiveDifference | None:
    """The first difference between two archives of the same format; None if they are the same bytes.

    Raises:
        ValueError: One of them is damaged, or their names end differently.
        OSError: One of them cannot be read.
    """
    suffix = archive_suffix(first.name)
    if suffix != archive_suffix(second.name):
        raise ValueError(f"{first.name} and {second.name} are of different formats")
    if _same_bytes(first, second):
        return None
    try:
        with _opened(first, suffix) as one, _opened(second, suffix) as other:
            found = _first_difference(one, other)
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise ValueError(f"{first.name} or its counterpart is damaged: {error}") from error
    if found is not None and found.kind == "order":
        return _missing_member(first, second, suffix) or found
    return found or ArchiveDifference("", "packing", f"{first.stat().st_size} and {second.stat().st_size} bytes")


def _same_bytes(first: Path, second: Path) -> bool:
    with first.open("rb") as one, second.open("rb") as other:
        while piece := one.read(_PIECE):
            if piece != other.read(_PIECE):
                return False
        return not other.read(1)


def _first_difference(one: Iterator[_Seen], other: Iterator[_Seen]) -> ArchiveDifference | None:
    for here, there in zip_longest(one, other):
        if here is None or there is None or here.path != there.path:
            paths = ["nothing" if seen is None else seen.path for seen in (here, there)]
            return ArchiveDifference(paths[0] if here else paths[1], "order", " and ".join(paths))
        for kind, value in here.metadata.items():
            if value != there.metadata[kind]:
                return ArchiveDifference(here.path, kind, f"{value} and {there.metadata[kind]}")
        if detail := _content_difference(here.read, there.read):
            return ArchiveDifference(here.path, "content", detail)
    return None


def _missing_member(first: Path, second: Path, suffix: str) -> ArchiveDifference | None:
    with _opened(first, suffix) as one, _opened(second, suffix) as other:
        names = [{seen.path for seen in one}, {seen.path for seen in other}]
    if names[0] == names[1]:
        return None
    missing = min(names[0] ^ names[1])
    return ArchiveDifference(missing, "missing", f"only in the {'first' if missing in names[0] else 'second'}")


def _content_difference(here: Callable[[], bytes], there: Callable[[], bytes]) -> str:
    """The first byte at which two files differ, with the bytes around it; empty if they are the same."""
    offset, line = 0, 1
    while True:
        one, other = here(), there()
        if one == other:
            if not one:
                return ""
            offset += len(one)
            line += one.count(b"\n")
            continue
        place = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
        place = min(len(one), len(other)) if place is None else place
        begin = max(0, place - _SHOWN // 2)
        shown = " and ".join(repr(piece[begin : begin + _SHOWN]) for piece in (one, other))
        line += one.count(b"\n", 0, place)
        at = f"at byte {offset + place}" if b"\0" in one else f"at byte {offset + place}, line {line}"
        return f"{at}: {shown}"


@contextlib.contextmanager
def _opened(archive: Path, suffix: str) -> Iterator[Iterator[_Seen]]:
    with archive.open("rb") as stream:
        if suffix == "zip":
            yield _zip_members(stream)
            return
        with plain_chunks(stream, suffix) as chunks:
            yield _tar_members(chunks)


class _Plain:
    """A file object for `tarfile` that reads decompressed chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = memoryview(b"")

    def read(self, size: int) -> bytes:
        pieces = []
        while size:
            if not self._held:
                chunk = next(self._chunks, b"")
                if not chunk:
                    break
                self._held = memoryview(chunk)
            pieces.append(bytes(self._held[:size]))
            self._held = self._held[size:]
            size -= len(pieces[-1])
        return b"".join(pieces)


def _tar_members(chunks: Iterator[bytes]) -> Iterator[_Seen]:
    plain = _Plain(chunks)
    with tarfile.open(fileobj=plain, mode="r|") as archive:  # type: ignore[call-overload] # it only calls `read`
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            metadata: dict[DifferenceKind, str] = {
                "type": repr(member.type),
                "link": member.linkname,
                "mode": f"{member.mode:04o}",
                "owner": f"{member.uid}:{member.gid} {member.uname}:{member.gname}",
                "time": f"{member.pax_headers.get('mtime', member.mtime)}",
            }
            yield _Seen(member.name, metadata, _reading(content))


def _zip_members(stream: BinaryIO) -> Iterator[_Seen]:
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            linked = stat.S_ISLNK(mode)
            metadata: dict[DifferenceKind, str] = {
                "type": "folder" if member.is_dir() else f"{stat.S_IFMT(mode):o}",
                "link": archive.read(member).decode(errors="replace") if linked else "",
                "mode": f"{stat.S_IMODE(mode):04o}",
                "owner": f"system {member.create_system}, extra {member.extra.hex()}",
                "time": "-".join(f"{part:02}" for part in member.date_time),
            }
            with archive.open(member) as content:
                yield _Seen(member.filename.removesuffix("/"), metadata, _reading(None if linked else content))


def _reading(content: object) -> Callable[[], bytes]:
    read = getattr(content, "read", None)
    return (lambda: b"") if read is None else (lambda: bytes(read(_PIECE)))
