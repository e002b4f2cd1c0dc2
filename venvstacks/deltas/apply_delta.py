"""Applying deltas: a new version of a layer from an installed one, every file compared with the new manifest.

The new version's manifest alone decides which files are written and with which content, exactly as in unpacking an
archive. Deltas are a source of contents, which count for nothing until their SHA-256 is right.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from venvstacks.archives.expected import ExpectedTree
from venvstacks.archives.unpack import make_links, make_listed_folders, write_verified
from venvstacks.archives.zstd_frames import FrameReader, Prefix, frame_reader
from venvstacks.deltas.delta_index import MAGIC, PACKED_LIMIT, DeltaIndex, HeldContent
from venvstacks.deltas.old_version import OldVersion
from venvstacks.deltas.patches import apply_patch
from venvstacks.digests import TreeEntry, sha256_file
from venvstacks.errors import InterruptedRunError
from venvstacks.tools.files import staging_folder
from venvstacks.tools.shared_files import begins_compiled_code, lay_shared
from venvstacks.tools.workers import workers

_PIECE = 1 << 20
_WHOLE_WINDOW = 1 << 26  # as publishing writes it
_SMALL = 1 << 14  # bytes up to which a file is read once and written: that is quicker than to clone it and read it
_BETWEEN_SLACK = 64 << 20  # bytes


@dataclass(frozen=True)
class _Delta:
    """An opened delta.

    Attributes:
        stream: The file.
        index: Its index.
        begin: Where its frames begin.
        wanted: Digests of the contents that are needed.
    """

    stream: BinaryIO
    index: DeltaIndex
    begin: int
    wanted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Update:
    """A new version that is to be made.

    Attributes:
        old: The installed version.
        deltas: Deltas, the first of which is applied to the installed version.
        expected: All files that must result.
        destination: An empty folder that no other process writes to. After a failure it holds some of the files.
        stopping: Called before every file; returns whether to stop because the run is being interrupted.
        on_bytes: Called with the size of every file of the new version that was written.
    """

    old: OldVersion
    deltas: Sequence[Path]
    expected: ExpectedTree
    destination: Path
    stopping: Callable[[], bool] = field(default=lambda: False)
    on_bytes: Callable[[int], None] | None = None

    def count(self, size: int) -> None:
        """Report a written file of the new version."""
        if self.on_bytes is not None:
            self.on_bytes(size)

    @property
    def root(self) -> Path:
        """The folder of the new version."""
        return self.destination / self.expected.top

    def check(self) -> None:
        """Stop if that is wanted.

        Raises:
            InterruptedRunError: It is.
        """
        if self.stopping():
            raise InterruptedRunError


def apply_deltas(update: Update) -> None:
    """Make the new version in `<destination>/<top>`.

    Raises:
        ValueError: A delta is damaged or is for other files, or an installed file was changed.
        InterruptedRunError: `stopping` returned True.
        OSError: A file cannot be read or written.
    """
    files = [entry for entry in update.expected.entries.values() if not entry.is_link]
    unchanged = [entry for entry in files if entry.sha256 in update.old.by_digest]
    with contextlib.ExitStack() as held:
        opened = [_opened(held.enter_context(path.open("rb"))) for path in update.deltas]
        deltas = _with_wanted(opened, update)
        make_listed_folders(update.root, update.expected.folders)
        first = {entry.sha256: entry for entry in reversed(files)}
        scratch = held.enter_context(staging_folder(update.destination, "between"))
        made: dict[str, Path] = {}
        with _meanwhile(update, unchanged):
            for delta in deltas:
                _make_contents(delta, update, first, scratch, made)
            again = (entry for entry in files if entry.sha256 in made and entry is not first[entry.sha256])
            _copy_files(update, again, lambda entry: made[entry.sha256])
    make_links(update.expected, update.root)


@contextlib.contextmanager
def _meanwhile(update: Update, unchanged: Sequence[TreeEntry]) -> Iterator[None]:
    """Copy the files whose content is installed while the block makes the others; stop if the block fails."""
    failed = threading.Event()
    stoppable = replace(update, stopping=lambda: failed.is_set() or update.stopping())
    with workers(1) as lane:
        copying = lane.pool.submit(
            _copy_files, stoppable, unchanged, lambda entry: update.old.place(entry.sha256, entry.path)
        )
        try:
            yield
        except BaseException:
            failed.set()
            raise
        copying.result()


def _copy_files(update: Update, entries: Iterable[TreeEntry], source_of: Callable[[TreeEntry], Path]) -> None:
    for entry in entries:
        update.check()
        source = source_of(entry)
        _copy(source, entry, update.root / entry.path, linked=source == update.old.root / entry.path)
        update.count(entry.size)


def _opened(stream: BinaryIO) -> _Delta:
    if stream.read(len(MAGIC)) != MAGIC:
        raise ValueError("it is not a delta, or one of another version")
    length = int.from_bytes(stream.read(8), "little")
    if length > PACKED_LIMIT:
        raise ValueError("its index is larger than any layer needs")
    return _Delta(stream, DeltaIndex.unpack(stream.read(length)), len(MAGIC) + 8 + length)


def _with_wanted(deltas: Sequence[_Delta], update: Update) -> list[_Delta]:
    """Find out, from the last delta to the first, which contents each has to give."""
    known = update.old.by_digest
    sizes = {entry.sha256: entry.size for entry in update.expected.entries.values() if not entry.is_link}
    missing = sizes.keys() - known.keys()
    found: list[_Delta] = []
    between = 0
    for delta in reversed(deltas):
        held = {content.sha256: content for content in delta.index.contents}
        wanted = missing & held.keys()
        for digest in wanted:
            if sizes.get(digest, held[digest].size) != held[digest].size:
                raise ValueError("it holds a file of another size than the manifest says")
            between += 0 if digest in sizes else held[digest].size
        bases = {held[digest].base for digest in wanted} - {None}
        missing = (missing - wanted) | {base for base in bases if base and base not in known}
        found.append(_Delta(delta.stream, delta.index, delta.begin, frozenset(wanted)))
    if missing:
        raise ValueError(f"{len(missing)} files are neither installed nor in the deltas")
    if between > update.expected.size + _BETWEEN_SLACK:
        raise ValueError("the versions between are larger than the new one")
    return found[::-1]


def _make_contents(
    delta: _Delta, update: Update, files: Mapping[str, TreeEntry], scratch: Path, made: dict[str, Path]
) -> None:
    """Write all contents that are wanted of a delta: where they belong, or else into the scratch folder."""
    places = delta.index.frame_places()
    whole = _WholeFiles(delta, delta.begin + places[-1])
    for content, place in zip(delta.index.contents, places):  # noqa: B905 - Python 3.9
        update.check()
        if content.sha256 not in delta.wanted:
            if content.base is None:
                whole.skip(content.size)
            continue
        entry = files.get(content.sha256)
        target = update.root / entry.path if entry else scratch / content.sha256
        entry = entry or TreeEntry(content.sha256, content.size, sha256=content.sha256)
        if content.base is None:
            pieces = whole.read(content.size)
        else:
            base = made.get(content.base) or update.old.place(content.base)
            pieces = _patched(delta, content, delta.begin + place, base)
        write_verified(pieces, entry, target, entry.path)
        made[content.sha256] = target
        if content.sha256 in files:
            update.count(content.size)


def _patched(delta: _Delta, content: HeldContent, place: int, base: Path) -> Iterator[bytes]:
    """The content that patches give, a window after the other."""
    part, known = (0, 0), Prefix()
    with io.FileIO(base) as old:
        length_of_old = base.stat().st_size
        buffer = memoryview(bytearray(max(length for _, length, _ in content.windows or ((0, 0, 0),))))
        delta.stream.seek(place)
        for (first, length, packed), size in zip(content.windows or (), content.sizes()):  # noqa: B905 - as many
            if first + length > length_of_old:
                raise ValueError("a patch is for another file than is installed: it has another size")
            if (first, length) != part:
                part, known = (first, length), Prefix()  # the earlier part leaves memory first
                old.seek(first)
                known = Prefix(buffer[: _read_into(buffer[:length], old)])
            yield apply_patch(known, delta.stream.read(packed), size)


def _read_into(buffer: memoryview, stream: io.FileIO) -> int:
    """Fill a buffer; return the bytes that there were."""
    done = 0
    while count := stream.readinto(buffer[done:]):
        done += count
    return done


class _WholeFiles:
    """Reads the frame of all files that are not patched, once from its beginning on."""

    def __init__(self, delta: _Delta, place: int) -> None:
        self._delta, self._place = delta, place
        self._ahead = 0  # bytes to skip before the next file

    @cached_property
    def _reader(self) -> FrameReader:
        self._delta.stream.seek(self._place)
        return frame_reader(self._delta.stream, _WHOLE_WINDOW)

    def skip(self, size: int) -> None:
        """Leave out the next file."""
        self._ahead += size

    def read(self, size: int) -> Iterator[bytes]:
        """The next file in pieces; fewer bytes if the frame ends before.

        Raises:
            ValueError: The frame is damaged.
        """
        for _ in self._pieces(self._ahead):
            pass
        self._ahead = 0
        yield from self._pieces(size)

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size:
            try:
                piece = self._reader.read(min(size, _PIECE))
            except ValueError as error:
                raise ValueError(f"its files are damaged: {error}") from error
            if not piece:
                return
            size -= len(piece)
            yield piece


def _copy(source: Path, entry: TreeEntry, target: Path, *, linked: bool) -> None:
    """Create a file from one that should have the same content; the new file is compared with the manifest."""
    changed = ValueError(f"the installed file {source} was changed")
    if entry.size <= _SMALL:
        with io.FileIO(source) as stream:
            content = stream.readall()
        if not begins_compiled_code(content):
            try:
                write_verified([content], entry, target, entry.path)
            except ValueError:
                raise changed from None
            return
    lay_shared(source, target, executable=entry.executable, linked=linked)
    if target.stat().st_size != entry.size or sha256_file(target, entry.size) != entry.sha256:
        raise changed
