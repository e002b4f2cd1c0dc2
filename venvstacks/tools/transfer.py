"""Files from web servers: resumed where an earlier attempt stopped, tried again, and compared with their SHA-256."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from venvstacks.digests import sha256_file
from venvstacks.errors import InterruptedRunError, TransferError
from venvstacks.tools.web import broken_off, explain, open_client, refused
from venvstacks.urls import shown

if TYPE_CHECKING:
    import httpx2

Progress = Callable[[str, int, int | None], None]
"""Told what is going on, how many bytes are done, and how many there are (None where nobody knows)."""

_PAUSES = (0.5, 1.0, 2.0, 4.0)
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class WantedFile:
    """A file that is known before it is fetched.

    Attributes:
        url: Where it is, `http` or `https`.
        sha256: Hex digest.
        size: Bytes; None if nobody said so.
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
    """Fetches files; one connection pool for all of them, usable from several threads.

    Attributes:
        environment: Environment variables as a value: proxies and certificates come from there.
        progress: Told about every piece that arrives.
        pauses: Seconds to wait before each further attempt; counted anew whenever something arrived.
        sleep: Waits.
        stopping: Asked at every piece whether nobody wants the files any more.
    """

    environment: Mapping[str, str] = field(repr=False)
    progress: Progress | None = None
    pauses: tuple[float, ...] = _PAUSES
    sleep: Callable[[float], None] = time.sleep
    stopping: Callable[[], bool] = lambda: False
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _client: httpx2.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def open(self, url: str) -> httpx2.Client:
        """The client, made on first use.

        Raises:
            TransferError: Proxies or certificates make no sense.
        """
        if self._client is None:
            with explain(url):
                self._client = self._closing.enter_context(open_client(self.environment))
        return self._client

    def fetch(self, wanted: WantedFile, target: Path) -> None:
        """Write a file to `target`; what `target` holds already is taken for its beginning.

        A beginning that turns out to be another file's is thrown away, and the file fetched from its first byte. If
        this raises because the connection failed, `target` keeps what came, for the next time.

        Raises:
            TransferError: It cannot be had, or what came is not that file; then `target` is gone.
            InterruptedRunError: Nobody wants it any more; `target` keeps what came.
            OSError: `target` cannot be written.
        """
        resumed = target.exists() and target.stat().st_size > 0
        try:
            self._fetch_with_retries(wanted, target)
            _verify(wanted, target)
        except TransferError as error:
            if error.kind != "other file":
                raise
            target.unlink(missing_ok=True)
            if not resumed:
                raise
            self.fetch(wanted, target)

    def _fetch_with_retries(self, wanted: WantedFile, target: Path) -> None:
        failures = 0
        while not self.stopping():
            before = target.stat().st_size if target.exists() else 0
            try:
                self._attempt(wanted, target, before)
            except TransferError as error:
                arrived = target.exists() and target.stat().st_size > before
                failures = 1 if arrived else failures + 1
                if not error.transient or failures > len(self.pauses):
                    raise
                self.sleep(self.pauses[failures - 1])
            else:
                return
        raise InterruptedRunError

    def _attempt(self, wanted: WantedFile, target: Path, held: int) -> None:
        if held and held == wanted.size:
            return
        headers = {"Range": f"bytes={held}-"} if held else {}
        client = self.open(wanted.url)
        with explain(wanted.url), client.stream("GET", wanted.url, headers=headers) as response:
            if response.status_code == 416:  # longer than the file itself, or complete with a size that nobody told
                return
            if response.status_code not in {200, 206}:
                raise _refusal(wanted.url, response.status_code)
            goes_on = response.status_code == 206 and _range_start(response) == held
            self._save(response, wanted, target, held if goes_on else 0)

    def _save(self, response: httpx2.Response, wanted: WantedFile, target: Path, held: int) -> None:
        announced = response.headers.get("Content-Length", "")
        total = held + int(announced) if announced.isdecimal() else wanted.size
        if wanted.size is not None and total != wanted.size:
            raise _other_file(wanted.url, f"it has {total} bytes, not {wanted.size}")
        with target.open("ab" if held else "wb") as stream:
            for chunk in response.iter_raw():  # as it arrives: chunks of a fixed size would lose what came of the last
                if self.stopping():
                    raise InterruptedRunError
                stream.write(chunk)
                held += len(chunk)
                if total is not None and held > total:
                    raise _other_file(wanted.url, f"more than {total} bytes came")
                if self.progress is not None:
                    self.progress(f"downloading {wanted.name}", held, total)
        if total is not None and held != total:
            raise broken_off(wanted.url, f"{held} of {total} bytes came")

    def read(self, url: str, limit: int) -> bytes:
        """The whole content of a small file.

        Raises:
            TransferError: It cannot be had, or is larger than `limit` bytes.
        """
        failures = 0
        while True:
            try:
                return self._read_once(url, limit)
            except TransferError as error:
                failures += 1
                if not error.transient or failures > len(self.pauses):
                    raise
                self.sleep(self.pauses[failures - 1])

    def _read_once(self, url: str, limit: int) -> bytes:
        content = bytearray()
        client = self.open(url)
        with explain(url), client.stream("GET", url) as response:
            if response.status_code != 200:
                raise _refusal(url, response.status_code)
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > limit:
                    raise _other_file(url, f"it has more than {limit} bytes")
            announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) != len(content):
            raise broken_off(url, f"{len(content)} of {announced} bytes came")
        return bytes(content)


def _range_start(response: httpx2.Response) -> int | None:
    """Where the part of a file begins that a server sent (RFC 9110, `Content-Range`)."""
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    start = rest.partition("-")[0]
    return int(start) if unit == "bytes" and start.isdecimal() else None


def _refusal(url: str, status: int) -> TransferError:
    return refused(url, status, transient=status in _WORTH_ANOTHER_TRY)


def _verify(wanted: WantedFile, target: Path) -> None:
    found = sha256_file(target)
    if found != wanted.sha256:
        raise _other_file(wanted.url, f"its SHA-256 is {found}, not {wanted.sha256}")


def _other_file(url: str, how: str) -> TransferError:
    return TransferError(
        f"{shown(url)} is not the file that was expected: {how}",
        hint="a mirror must serve the very files of the original; nothing of this one was kept",
        kind="other file",
    )
