"""Downloads from web servers: resumed where an earlier attempt stopped, retried, and compared with their SHA-256."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Optional
from urllib.parse import unquote, urlsplit

from venvstacks.digests import sha256_file
from venvstacks.errors import InterruptedRunError, TransferError
from venvstacks.tools.transfer_rate import RATE_VARIABLE, RateLimit, parse_rate
from venvstacks.tools.web import broken_off, explain, open_client, refused
from venvstacks.tools.web_answer import Answer, Head, SpeedLimit
from venvstacks.urls import shown

if TYPE_CHECKING:
    from typing import Self

    from venvstacks.tools.http_client import WebClient

Progress = Callable[[str, int, Optional[int]], None]  # noqa: UP045 - Python 3.9
"""Called with a description of the work, the number of bytes done, and the total (None if that is not known)."""

WORTHWHILE = 64 << 10
"""Bytes after which a download is allowed all of its attempts again.

With a lower number, a server that resets the connection after each byte would be retried for ever.
"""

DOWNLOADING = "downloading "
"""What a description of a download begins with; the name of the file follows."""

_PAUSES = (0.5, 1.0, 2.0, 4.0)
_SLEEP_SECONDS = 0.5  # how long a pause may last after `stopping` has become true
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class WantedFile:
    """A file whose digest is known before it is fetched.

    Attributes:
        url: Its `http` or `https` URL.
        sha256: Hex digest.
        size: Bytes; None if that is not known.
    """

    url: str
    sha256: str
    size: int | None = None

    @property
    def name(self) -> str:
        """Last part of the URL's path."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])


@dataclass
class Downloads:
    """Fetches files with one pool of connections; may be used by several threads.

    Attributes:
        environment: Environment variables, which may name proxies and certificates, and the rate.
        progress: Called for every piece that arrives.
        pauses: Seconds to wait before each further attempt; counted from the first one again after `WORTHWHILE` bytes.
        sleep: Waits for a number of seconds.
        stopping: Called repeatedly, also while nothing arrives; returns whether to stop because the run is interrupted.
        limit: How slow a server may be.
        rate: How many bytes per second may come; None for what `environment` says, or else as many as come.
    """

    environment: Mapping[str, str] = field(repr=False)
    progress: Progress | None = None
    pauses: tuple[float, ...] = _PAUSES
    sleep: Callable[[float], None] = time.sleep
    stopping: Callable[[], bool] = lambda: False
    limit: SpeedLimit = field(default_factory=SpeedLimit)
    rate: int | None = None
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _client: WebClient | None = None
    _rate_limit: RateLimit | None = None

    def __post_init__(self) -> None:
        """Read the rate that the environment names.

        Raises:
            UsageError: It is not a rate.
        """
        named = self.environment.get(RATE_VARIABLE)
        rate = self.rate or (parse_rate(named) if named else None)
        if rate is not None:
            self._rate_limit = RateLimit(rate, self.stopping)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def fetch(self, wanted: WantedFile, target: Path) -> int:
        """Write a file to `target`; bytes that `target` already holds are taken as the beginning of the file.

        If they turn out to belong to another file, they are discarded, and the file is fetched from its first byte. If
        this raises because the connection failed, `target` keeps the bytes that arrived, for the next time.

        Returns:
            How many bytes came over the network.

        Raises:
            TransferError: The file cannot be fetched, or the server sent another file, which is then removed.
            InterruptedRunError: `stopping` returned True; `target` keeps the bytes that arrived.
            OSError: `target` cannot be written.
        """
        job = _Job(wanted, target)
        for last_try in (False, True):
            try:
                self._fetch_with_retries(job)
                _verify(wanted, target)
            except TransferError as error:
                if error.kind != "other file":
                    raise
                target.unlink(missing_ok=True)
                if last_try or not job.resumed:
                    raise
            else:
                break
        return job.received

    def read(self, url: str, limit: int) -> bytes:
        """The whole content of a small file.

        Raises:
            TransferError: The file cannot be fetched, or is larger than `limit` bytes.
            InterruptedRunError: `stopping` returned True.
        """
        failures = 0
        while True:
            try:
                return self._read_once(url, limit)
            except TransferError as error:
                failures += 1
                if not error.transient or failures > len(self.pauses):
                    raise
                self._pause(self.pauses[failures - 1])

    @contextlib.contextmanager
    def _answer(self, url: str, headers: Mapping[str, str]) -> Iterator[tuple[Head, Answer]]:
        with self._guard, explain(url):
            if self._client is None:
                self._client = self._closing.enter_context(open_client(self.environment))
        with Answer(self._client, url, headers, self.stopping, self.limit) as answer:
            yield answer.head(), answer

    def _fetch_with_retries(self, job: _Job) -> None:
        failures = 0
        counted = 0
        while not self.stopping():
            try:
                return self._attempt(job)
            except TransferError as error:
                worthwhile = job.received - counted >= WORTHWHILE
                failures, counted = (1, job.received) if worthwhile else (failures + 1, counted)
                if not error.transient or failures > len(self.pauses):
                    raise
                self._pause(self.pauses[failures - 1])
        raise InterruptedRunError

    def _attempt(self, job: _Job) -> None:
        wanted, held = job.wanted, job.held()
        job.resumed = job.resumed or held > 0
        if held and held == wanted.size:
            return
        headers = {"Range": f"bytes={held}-"} if held else {}
        with self._answer(wanted.url, headers) as (head, answer):
            if held and head.status == 416:  # the file is not longer than that; its digest is compared later
                return
            if head.status not in {200, 206}:
                raise _refusal(wanted.url, head.status)
            if head.status == 206 and _range_start(head) != held:
                raise _other_file(wanted.url, "the server sent another part than the requested one")
            self._save(self._pieces(answer), head, job, held if head.status == 206 else 0)

    def _save(self, pieces: Iterator[bytes], head: Head, job: _Job, held: int) -> None:
        wanted = job.wanted
        announced = head.number("Content-Length")
        total = wanted.size if announced is None else held + announced
        if wanted.size is not None and total != wanted.size:
            raise _other_file(wanted.url, f"it has {total} bytes, not {wanted.size}")
        with job.target.open("ab" if held else "wb") as stream:
            for piece in pieces:
                stream.write(piece)
                held += len(piece)
                job.received += len(piece)
                if total is not None and held > total:
                    raise _other_file(wanted.url, f"more than {total} bytes came")
                if self.progress is not None:
                    self.progress(f"{DOWNLOADING}{wanted.name}", held, total)
        if total is not None and held != total:
            raise broken_off(wanted.url, f"{held} of {total} bytes came")

    def _read_once(self, url: str, limit: int) -> bytes:
        content = bytearray()
        with self._answer(url, {}) as (head, answer):
            if head.status != 200:
                raise _refusal(url, head.status)
            _refuse_encoded(url, head)
            announced = head.number("Content-Length")
            if announced is not None and announced > limit:
                raise _other_file(url, f"it has {announced} bytes, and may have {limit}")
            for piece in self._pieces(answer):
                content += piece
                if len(content) > limit:
                    raise _other_file(url, f"it has more than {limit} bytes")
        if announced is not None and announced != len(content):
            raise broken_off(url, f"{len(content)} of {announced} bytes came")
        return bytes(content)

    def _pieces(self, answer: Answer) -> Iterator[bytes]:
        return answer.pieces() if self._rate_limit is None else self._rate_limit.limited(answer.pieces())

    def _pause(self, seconds: float) -> None:
        while seconds > 0 and not self.stopping():
            self.sleep(min(seconds, _SLEEP_SECONDS))
            seconds -= _SLEEP_SECONDS


@dataclass
class _Job:
    """The download of one file.

    Attributes:
        wanted: The file.
        target: The path that it is written to.
        received: Bytes that arrived in all attempts together.
        resumed: Whether an attempt began in the middle of the file, so that its parts may come from different files.
    """

    wanted: WantedFile
    target: Path
    received: int = 0
    resumed: bool = False

    def held(self) -> int:
        """Bytes that `target` holds now."""
        return self.target.stat().st_size if self.target.exists() else 0


def _range_start(head: Head) -> int | None:
    """The offset of the part that a server sent (RFC 9110, `Content-Range`); None without a valid offset."""
    unit, _, rest = head.headers.get("Content-Range", "").partition(" ")
    start = rest.partition("-")[0]
    return int(start) if unit == "bytes" and start.isascii() and start.isdecimal() and len(start) < 20 else None


def _refusal(url: str, status: int) -> TransferError:
    return refused(url, status, transient=status in _WORTH_ANOTHER_TRY)


def _refuse_encoded(url: str, head: Head) -> None:
    """Refuse what a server has compressed on the way, although the request asks for the file as it is.

    A file `x.gz` may be labelled with the compression that it has itself.
    """
    coding = head.headers.get("Content-Encoding", "").strip().lower()
    if coding not in {"", "identity"} and not urlsplit(url).path.endswith(".gz"):
        raise TransferError(
            f"{shown(url)} was sent with the encoding {coding[:20]!r}, and not as it is",
            hint="have the server send these files without compressing them on the way",
        )


def _verify(wanted: WantedFile, target: Path) -> None:
    found = sha256_file(target)
    if found != wanted.sha256:
        raise _other_file(wanted.url, f"its SHA-256 is {found}, not {wanted.sha256}")


def _other_file(url: str, how: str) -> TransferError:
    return TransferError(
        f"{shown(url)} is not the file that was expected: {how}",
        hint="a mirror must serve the same files as the original; the downloaded file was removed",
        kind="other file",
    )
