"""Strict reader of tar archives: it accepts the dialect that publishing writes, and nothing else.

The standard library's module accepts all dialects, treats damage in the middle of an archive as its end, and reads
extended headers of any size into memory. Archives that publishing wrote need none of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from venvstacks.archives.found import FoundMember
from venvstacks.modes import is_executable

_BLOCK = 512
_RECORD = 20 * _BLOCK
_EXTENDED_LIMIT = 8 << 10  # enough for a path, a link's target and a size
_KINDS = {b"1": "a hard link", b"3": "a device", b"4": "a device", b"6": "a FIFO", b"S": "a sparse file"}
_FILE, _LINK, _FOLDER, _EXTENDED = b"0", b"2", b"5", b"x"


class PlainBytes:
    """A stream of chunks that is read in pieces of other sizes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")

    def some(self, most: int) -> memoryview:
        """Between one and `most` bytes; no bytes at the end of the stream."""
        while not self._chunk:
            try:
                self._chunk = memoryview(next(self._chunks))
            except StopIteration:
                break
        piece, self._chunk = self._chunk[:most], self._chunk[most:]
        return piece

    def pieces(self, count: int) -> Iterator[memoryview]:
        """Exactly `count` bytes, in several pieces.

        Raises:
            ValueError: The stream ends too early.
        """
        while count:
            piece = self.some(count)
            if not piece:
                raise ValueError("the archive is cut off")
            count -= len(piece)
            yield piece

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes in one piece; raises what `pieces` raises."""
        if len(self._chunk) >= count:
            return bytes(self.some(count))
        return b"".join(self.pieces(count))


@dataclass
class _Extended:
    """The values that an extended header gives for the member that follows."""

    path: str | None = None
    target: str | None = None
    size: int | None = None


def read_tar(chunks: Iterator[bytes]) -> Iterator[FoundMember]:
    """All members in order. A member's content can be read until the next member is; otherwise it is skipped.

    Raises:
        ValueError: The archive is damaged, cut off, in another dialect, holds something else than files, symbolic links
            and folders, or something follows its end.
    """
    source = PlainBytes(chunks)
    extended = _Extended()
    while True:
        block = source.take(_BLOCK)
        if not any(block):
            _check_end(source)
            return
        _check_header(block)
        kind = block[156:157]
        size = _number(block[124:136])
        if kind == _EXTENDED:
            if size > _EXTENDED_LIMIT:
                raise ValueError(f"an extended header of {size} bytes")
            if extended != _Extended():  # an archive of extended headers alone would be read to its end
                raise ValueError("two extended headers follow each other")
            extended = _parse_extended(source.take(size))
            _skip_padding(source, size)
            continue
        if extended.size is not None:
            size = extended.size
        content = source.pieces(size)
        yield _found(block, kind, size, (extended, content))
        for _ in content:
            pass
        _skip_padding(source, size)
        extended = _Extended()


def _found(block: bytes, kind: bytes, size: int, rest: tuple[_Extended, Iterator[memoryview]]) -> FoundMember:
    extended, content = rest
    path = _text(block[:100]) if extended.path is None else extended.path
    if prefix := _text(block[345:500]):
        path = path if extended.path is not None else f"{prefix}/{path}"
    target = _text(block[157:257]) if extended.target is None else extended.target
    if kind not in {_FILE, _LINK, _FOLDER}:
        raise ValueError(f"{path!r} is {_KINDS.get(kind, 'of an unknown kind')}")
    if kind != _FILE and size:
        raise ValueError(f"{path!r} is not a file but has content")
    if kind == _FOLDER:
        return FoundMember(path.removesuffix("/"), is_folder=True)
    if kind == _LINK:
        return FoundMember(path, target=target)
    if target:
        raise ValueError(f"{path!r} is a file but has a link's target")
    executable = is_executable(_number(block[100:108]))
    return FoundMember(path, size=size, executable=executable, content=content)


def _check_header(block: bytes) -> None:
    if block[257:265] != b"ustar\x0000":
        raise ValueError("this is not a tar archive of the PAX dialect, or it is damaged")
    if _number(block[148:156]) != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]):
        raise ValueError("the checksum of a header is wrong")


def _number(field: bytes) -> int:
    """An octal number, ended by NUL or space."""
    digits = field.rstrip(b"\0 ").lstrip(b" ")
    if not digits.isdigit() or set(digits) & set(b"89"):
        raise ValueError(f"a header holds {field!r} for a number")
    return int(digits, 8)


def _text(field: bytes) -> str:
    return _decoded(field.partition(b"\0")[0])


def _decoded(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise ValueError(f"the name {name!r} is not UTF-8") from None


def _parse_extended(data: bytes) -> _Extended:
    r"""Records of the form `<length> <key>=<value>\n`; keys that publishing does not write are refused."""
    found = _Extended()
    seen: set[bytes] = set()
    while data:
        digits, space, _ = data.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 7 else 0
        record = data[len(digits) + 1 : length]
        if not space or not record.endswith(b"\n") or length > len(data):
            raise ValueError("an extended header is damaged")
        key, _, value = record[:-1].partition(b"=")
        if key in seen:
            raise ValueError(f"an extended header says twice {key[:40]!r}")
        seen.add(key)
        if key == b"path":
            found.path = _decoded(value)
        elif key == b"linkpath":
            found.target = _decoded(value)
        elif key == b"size" and value.isdigit() and len(value) < 20:
            found.size = int(value)
        else:
            raise ValueError(f"an extended header says {record[:40]!r}")
        data = data[length:]
    return found


def _skip_padding(source: PlainBytes, size: int) -> None:
    source.take(-size % _BLOCK)


def _check_end(source: PlainBytes) -> None:
    """Check that the last member is followed by zeros: by at least one more block and at most one record."""
    left = _RECORD
    if any(source.take(_BLOCK)):
        raise ValueError("something follows the end of the archive")
    while piece := source.some(_RECORD):
        left -= len(piece)
        if any(piece) or left < 0:
            raise ValueError("something follows the end of the archive")
