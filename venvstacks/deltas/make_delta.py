"""Making a delta: the contents of a new version that an old one lacks, as patches where these are smaller."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from venvstacks.archives.blocks import affordable
from venvstacks.archives.compression import Compression, zstd_stream
from venvstacks.archives.member_contents import Contents, changed
from venvstacks.archives.members import Member
from venvstacks.archives.sink import Sink
from venvstacks.deltas.delta_index import MAGIC, WINDOW, DeltaIndex, HeldContent
from venvstacks.deltas.delta_index import Window as Placed
from venvstacks.deltas.old_parts import old_parts
from venvstacks.deltas.old_version import OldVersion
from venvstacks.deltas.patches import LEVEL, MAKING_MEMORY, make_patch
from venvstacks.deltas.similar_files import similar_files
from venvstacks.digests import TreeEntry
from venvstacks.tools.workers import workers

_CLEARLY_SMALLER = 20  # a patch that is so many times smaller than the file is not compared with the file compressed


@dataclass(frozen=True)
class DeltaRequest:
    """A delta to be made.

    Attributes:
        old: The version that it is applied to; its files have been compared with their digests.
        new: The version that results. Its files are compared with their digests while they are read.
        scratch: A folder for unfinished files.
        threads: How many threads may compress; has no influence on the bytes.
    """

    old: OldVersion
    new: Contents
    scratch: Path
    threads: int = 1


@dataclass(frozen=True)
class DeltaWritten:
    """A finished delta.

    Attributes:
        size: Bytes.
        sha256: Hex digest.
    """

    size: int
    sha256: str


@dataclass(frozen=True)
class _Window:
    """A window that is to be patched.

    Attributes:
        member: The new file.
        base: The old file.
        first: The first byte of the part of the old file.
        old: That part.
        new: The bytes of the window.
    """

    member: Member
    base: TreeEntry
    first: int
    old: bytes
    new: bytes


@dataclass(frozen=True)
class _Patched:
    """A window with its patch.

    Attributes:
        window: First byte and length of the old part, and the length of the frame.
        member: The new file.
        base: The old file.
        frame: The patch.
        alone: Bytes of the window when it is compressed on its own.
    """

    window: Placed
    member: Member
    base: TreeEntry
    frame: bytes
    alone: int


def write_delta(request: DeltaRequest, destination: BinaryIO) -> DeltaWritten:
    """Write a delta; its bytes depend on both versions and on the version of zstandard only.

    Memory is bounded by the number of threads, not by the size of files.

    Raises:
        ChangedEnvironmentError: A new file differs from its digest.
        OSError: A file cannot be read or written.
    """
    lacking = _lacking(request)
    find = similar_files(request.old.entries)
    based = [(member, find(_entry(member))) for member in lacking]
    patched: list[HeldContent] = []
    with (request.scratch / "patches").open("w+b") as frames:
        for patches in _patches(request, based):
            if sum(len(one.frame) for one in patches) < sum(one.alone for one in patches):
                patched.append(_content(patches))
                for one in patches:
                    frames.write(one.frame)
        done = {content.sha256 for content in patched}
        rest = [member for member in lacking if member.sha256 not in done]
        whole = [HeldContent(sha256=member.sha256, size=member.size) for member in rest]
        index = DeltaIndex(contents=(*patched, *whole)).packed()
        sink = Sink(destination)
        sink.write(MAGIC + len(index).to_bytes(8, "little") + index)
        frames.seek(0)
        while piece := frames.read(WINDOW):
            sink.write(piece)
    for chunk in _whole_files(request, rest) if rest else ():
        sink.write(chunk)
    return DeltaWritten(sink.size, sink.sha256)


def _lacking(request: DeltaRequest) -> list[Member]:
    """The files of the new version whose contents the old one lacks, one for each content, in the order of members."""
    files = (member for member in request.new.members if not member.is_folder and not member.is_link)
    first: dict[str, Member] = {}
    for member in files:
        first.setdefault(member.sha256, member)
    return [member for digest, member in first.items() if digest not in request.old.by_digest]


def _entry(member: Member) -> TreeEntry:
    """A file as it is listed, its path without the top folder."""
    return TreeEntry(member.path.partition("/")[2], member.size, member.executable, member.sha256)


def _content(patches: Sequence[_Patched]) -> HeldContent:
    member, base = patches[0].member, patches[0].base
    windows = tuple(one.window for one in patches)
    return HeldContent(sha256=member.sha256, size=member.size, base=base.sha256, windows=windows)


def _patches(request: DeltaRequest, based: Iterable[tuple[Member, TreeEntry | None]]) -> Iterator[list[_Patched]]:
    """The patches of each file that resembles an old one."""
    windows = (window for member, base in based if base and member.size for window in _windows(request, member, base))
    with workers(affordable(request.threads, MAKING_MEMORY)) as threads:
        for _, patches in groupby(threads.in_order(_patch, windows), attrgetter("member")):
            yield list(patches)


def _windows(request: DeltaRequest, member: Member, base: TreeEntry) -> Iterator[_Window]:
    """The windows of a file, read one after the other, so that no more of them are in memory than are worked on."""
    digest = hashlib.sha256()
    place = request.new.root / (member.source or "")
    with _mapped(request.old.root / base.path) as old, contextlib.ExitStack() as held:
        new = held.enter_context(_mapped(place)) if member.content is None else member.content
        for number, (first, last) in enumerate(old_parts(old, new)):
            content = new[number * WINDOW : (number + 1) * WINDOW]
            digest.update(content)
            yield _Window(member, base, first, old[first:last], content)
    if digest.hexdigest() != member.sha256:
        raise changed(place, "has other content")


@contextlib.contextmanager
def _mapped(place: Path) -> Iterator[mmap.mmap]:
    with place.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _patch(window: _Window) -> _Patched:
    frame = make_patch(window.old, window.new)
    clear = len(frame) * _CLEARLY_SMALLER < len(window.new)
    alone = len(window.new) if clear else len(make_patch(b"", window.new))
    return _Patched((window.first, len(window.old), len(frame)), window.member, window.base, frame, alone)


def _whole_files(request: DeltaRequest, members: Sequence[Member]) -> Iterator[bytes]:
    """The frame of all files that are not patched."""
    chunks = (chunk for member in members for chunk in request.new.read(member))
    size = sum(member.size for member in members)
    with contextlib.closing(zstd_stream(chunks, Compression(LEVEL, request.threads, size))) as packed:
        yield from packed
