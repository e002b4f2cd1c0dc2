"""Answers of HTTP/1.1 (RFC 9112), read from a connection with bounds; what is not exactly one is refused.

The standard library's reader takes a connection that was cut in the header fields for a complete answer, and ignores a
wrong `Content-Length`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

_LONGEST_LINE = 1 << 16
_MOST_FIELDS = 200
_MOST_INTERIM = 20
_PIECE = 1 << 16
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")


class BrokenAnswerError(Exception):
    """What came is no answer, or not a whole one."""


class NothingCameError(BrokenAnswerError):
    """The connection was closed before the first byte of an answer."""


class _Buffered(Protocol):
    """The reader that `socket.makefile` makes."""

    def read1(self, size: int) -> bytes:
        """What has arrived, at least one byte; empty at the end."""

    def readline(self, size: int) -> bytes:
        """A line with its end."""


class Fields(Mapping[str, str]):
    """Header fields; their names are not case-sensitive. Values of repeated ones are joined with commas."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        """Add a field."""
        earlier = self._values.get(name.lower())
        self._values[name.lower()] = value if earlier is None else f"{earlier}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass
class Reply:
    """An answer whose head has been read.

    Attributes:
        status: HTTP status code.
        headers: Header fields.
        stays_open: Whether the connection can be used again after the body.
        finished: Whether the body was read to its end.
    """

    status: int
    headers: Fields
    stays_open: bool
    _stream: BinaryIO
    _method: str
    finished: bool = False

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives, not decoded.

        Raises:
            BrokenAnswerError: It ends too early, or is not framed as it should be.
            OSError: The connection failed.
        """
        stream = cast("_Buffered", self._stream)
        length = _length(self)
        if self._method == "HEAD" or self.status in {204, 304}:
            length = 0
        if length is not None:
            yield from _exactly(stream, length)
        elif "transfer-encoding" in self.headers:
            yield from _chunks(stream)
        else:
            self.stays_open = False
            while piece := stream.read1(_PIECE):
                yield piece
        self.finished = True


def read_reply(stream: BinaryIO, method: str) -> Reply:
    """The next answer on a connection.

    Args:
        stream: What comes from the server.
        method: That of the request.

    Raises:
        BrokenAnswerError: What comes is no answer.
        OSError: The connection failed.
    """
    for _ in range(_MOST_INTERIM):
        first = stream.readline(_LONGEST_LINE)
        if not first:
            raise NothingCameError("the connection was closed without an answer")
        found = _STATUS.fullmatch(_without_end(first))
        if found is None:
            raise BrokenAnswerError("what came is no HTTP/1.1")
        fields = _fields(stream)
        status = int(found[2])
        if status >= 200 or status == 101:
            stays = found[1] == b"1" and "close" not in fields.get("Connection", "").lower()
            reply = Reply(status, fields, stays, stream, method)
            _length(reply)  # refused before anything is done with the answer
            return reply
    raise BrokenAnswerError("interim answers do not end")


def _without_end(line: bytes) -> bytes:
    if not line.endswith(b"\n"):
        raise BrokenAnswerError("a line of the head is too long, or cut off")
    return line[:-1].rstrip(b"\r")


def _fields(stream: BinaryIO) -> Fields:
    found = Fields()
    for _ in range(_MOST_FIELDS):
        line = _without_end(stream.readline(_LONGEST_LINE))
        if not line:
            return found
        field = _FIELD.fullmatch(line)
        if field is None:
            raise BrokenAnswerError("a header field has no name")
        found.add(field[1].decode("ascii"), field[2].decode("latin-1").strip())
    raise BrokenAnswerError(f"it has more than {_MOST_FIELDS} header fields")


def _length(reply: Reply) -> int | None:
    """Bytes of the body, as the head says; None where only its end shows it.

    Raises:
        BrokenAnswerError: The head contradicts itself, or frames the body in an unknown way.
    """
    encoding = reply.headers.get("Transfer-Encoding")
    if encoding is not None:
        if encoding.lower() != "chunked":
            raise BrokenAnswerError("its transfer encoding is not known")
        return None
    stated = {one.strip() for one in reply.headers.get("Content-Length", "").split(",")}
    if stated == {""}:
        return None
    only = stated.pop()
    if stated or not re.fullmatch("[0-9]{1,18}", only):
        raise BrokenAnswerError("its Content-Length is no number")
    return int(only)


def _exactly(stream: _Buffered, length: int) -> Iterator[bytes]:
    left = length
    while left:
        piece = stream.read1(min(left, _PIECE))
        if not piece:
            raise BrokenAnswerError(f"the connection was closed after {length - left} of {length} bytes")
        left -= len(piece)
        yield piece


def _chunks(stream: _Buffered) -> Iterator[bytes]:
    while True:
        size = _CHUNK.fullmatch(_without_end(stream.readline(_LONGEST_LINE)))
        if size is None:
            raise BrokenAnswerError("a chunk has no size")
        length = int(size[1], 16)
        if not length:
            break
        yield from _exactly(stream, length)
        if _without_end(stream.readline(_LONGEST_LINE)):
            raise BrokenAnswerError("a chunk does not end where it should")
    _fields(cast("BinaryIO", stream))  # trailers
