"""A web server's answer, received in a separate thread, so that the caller can stop waiting for it at any moment.

Name lookups, connecting, TLS and slow headers cannot be interrupted. So they run in a daemon thread, which passes the
pieces that arrive through a short queue. When the caller has left, the thread ends at the next piece or time limit, and
it never delays the end of the process.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from venvstacks.errors import InterruptedRunError
from venvstacks.tools.web import broken_off, explain

if TYPE_CHECKING:
    from typing import Self

    from venvstacks.tools.http_client import WebClient

_LOOK_SECONDS = 0.1
_QUEUED_PIECES = 16  # of 64 KiB at most


@dataclass(frozen=True)
class SpeedLimit:
    """How slow a server may be: the connection is closed if fewer than `size` bytes arrive in `seconds` of waiting.

    The default is slower than the slowest connections in use (an old modem has 3 KiB/s). The time until an answer
    begins counts as waiting, the time that the caller needs to write to the disk does not.

    Attributes:
        size: Bytes that have to arrive.
        seconds: The time in which they have to arrive.
    """

    size: int = 30 << 10
    seconds: float = 30.0


@dataclass(frozen=True)
class Head:
    """The beginning of an answer.

    Attributes:
        status: HTTP status code.
        headers: Header fields; their names are not case-sensitive.
    """

    status: int
    headers: Mapping[str, str]

    def number(self, name: str) -> int | None:
        """A header that is a decimal number of at most 19 digits, or None."""
        value = self.headers.get(name, "")
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 20 else None


@dataclass(frozen=True)
class Upload:
    """What a request sends.

    Attributes:
        pieces: The content.
        size: Its bytes.
    """

    pieces: Iterable[bytes]
    size: int


@dataclass(frozen=True)
class _Sent:
    """A piece of an upload was sent.

    Attributes:
        size: Its bytes.
    """

    size: int


@dataclass(frozen=True)
class _End:
    """The end of an answer.

    Attributes:
        error: The error that ended it, or None if the answer is complete.
    """

    error: BaseException | None = None


class _AbandonedError(Exception):
    """The caller does not want the answer any more."""


class Answer:
    """One request and its answer. A context manager; leaving it abandons the rest of the answer.

    Args:
        client: Sends the request.
        url: The requested URL.
        headers: Further header fields of the request.
        stopping: Called ten times a second; returns whether to stop because the run is interrupted.
        limit: How slow the server may be.
        method: `GET`, `HEAD` or `PUT`.
        upload: The content of a `PUT`.
    """

    def __init__(
        self,
        client: WebClient,
        url: str,
        headers: Mapping[str, str],
        stopping: Callable[[], bool],
        limit: SpeedLimit,
        *,
        method: str = "GET",
        upload: Upload | None = None,
    ) -> None:
        self._url = url
        self._stopping = stopping
        self._limit = limit
        self._method = method
        self._upload = upload
        self._arrived: queue.Queue[Head | bytes | _Sent | _End] = queue.Queue(_QUEUED_PIECES)
        self._given_up = threading.Event()
        self._waited = 0.0
        self._came = 0
        thread = threading.Thread(target=self._receive, args=(client, headers), name="web answer", daemon=True)
        thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._given_up.set()

    def head(self) -> Head:
        """Wait for the status and the headers; to be called first.

        Raises:
            TransferError: The server cannot be reached, or is too slow.
            InterruptedRunError: `stopping` returned True.
        """
        arrived = self._next()
        assert isinstance(arrived, Head)  # noqa: S101 - the thread puts it first, or an error, which `_next` raises
        return arrived

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives, not decoded; raises what `head` raises."""
        while isinstance(arrived := self._next(), bytes):
            yield arrived

    def _next(self) -> Head | bytes | _End:
        while True:
            if self._stopping():
                raise InterruptedRunError
            begun = time.monotonic()
            try:
                arrived = self._arrived.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                arrived = None
            moved = len(arrived) if isinstance(arrived, bytes) else arrived.size if isinstance(arrived, _Sent) else 0
            self._check_speed(time.monotonic() - begun, moved)
            if isinstance(arrived, _End) and arrived.error is not None:
                raise arrived.error
            if arrived is not None and not isinstance(arrived, _Sent):
                return arrived

    def _check_speed(self, waited: float, came: int) -> None:
        self._waited += waited
        self._came += came
        if self._waited >= self._limit.seconds:
            if self._came < self._limit.size:
                verb = "went" if self._upload else "came"
                raise broken_off(self._url, f"{self._came} bytes {verb} in {self._waited:.0f} s")
            self._waited, self._came = 0.0, 0

    def _receive(self, client: WebClient, headers: Mapping[str, str]) -> None:
        end = _End()
        try:
            sent = {**headers, "Content-Length": str(self._upload.size)} if self._upload else dict(headers)
            content = self._sending(self._upload) if self._upload else None
            with explain(self._url), client.stream(self._method, self._url, sent, content) as reply:
                self._hand_over(Head(reply.status, reply.headers))
                for piece in reply.pieces():
                    self._hand_over(piece)
        except _AbandonedError:
            return
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the caller
            end = _End(error)
        try:
            self._hand_over(end)
        except _AbandonedError:
            return

    def _sending(self, upload: Upload) -> Iterator[bytes]:
        for piece in upload.pieces:
            yield piece
            self._hand_over(_Sent(len(piece)))

    def _hand_over(self, arrived: Head | bytes | _Sent | _End) -> None:
        while not self._given_up.is_set():
            try:
                self._arrived.put(arrived, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return
        raise _AbandonedError
