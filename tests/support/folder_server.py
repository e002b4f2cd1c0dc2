"""A web server on loopback that serves a folder, with parts of files (RFC 9110 ranges), and with faults on demand."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from tests.support import loopback_server


@dataclass
class WebFolder:
    """What the server serves, and how it misbehaves.

    Attributes:
        folder: Its files.
        url: Where they are.
        ranges: Whether parts of files are served.
        cuts: Offsets within files at which connections end, one for each answer, until there are none left.
        cut_names: What the names of these files end with; metadata is never cut.
        statuses: Answered instead of files, one for each request, until there are none left.
        wrong: Names of files whose first byte is another one.
        slow: Names of files that come byte by byte, over seconds.
        query: What the query of every request has to be; others are answered with 403.
        missing_status: Answered for files that are missing.
        page: Sent with status 200 instead of files that are missing, as for web pages that are one program.
        asked: Path and first byte of every request.
    """

    folder: Path
    url: str = ""
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    cut_names: str = ""
    statuses: list[int] = field(default_factory=list)
    wrong: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    query: str = ""
    missing_status: int = 404
    page: bytes | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Serve one request."""
        address, _, query = request.path.partition("?")
        path = unquote(address).lstrip("/")
        place = self.folder / path
        content = place.read_bytes() if place.is_file() else self.page
        if path.rpartition("/")[2] in self.wrong and content is not None:
            content = bytes([content[0] ^ 1]) + content[1:]
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        start = int(wanted[1]) if wanted and self.ranges else 0
        with self.guard:
            self.asked.append((path, start))
            status = self.statuses.pop(0) if self.statuses else 200 if query == self.query else 403
            may_be_cut = content is not None and "__" not in path and path.endswith(self.cut_names)
            cut = self.cuts[0] if self.cuts and may_be_cut else None
            if cut is not None and content is not None and cut < len(content):
                self.cuts.pop(0)
        if content is None or status != 200:
            _send(request, status if status != 200 else self.missing_status, {}, b"")
        elif start >= len(content) > 0:
            _send(request, 416, {"Content-Range": f"bytes */{len(content)}"}, b"")
        else:
            headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
            whole = content[start:]
            sent = whole if cut is None else whole[: max(0, cut - start)]
            _send(request, 206 if start else 200, headers, sent, len(whole), slow=place.name in self.slow)


def _send(
    request: http.server.BaseHTTPRequestHandler,
    status: int,
    headers: dict[str, str],
    body: bytes,
    announced: int | None = None,
    *,
    slow: bool = False,
) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body) if announced is None else announced))
    request.end_headers()
    for begin in range(len(body)) if slow else ():
        request.wfile.write(body[begin : begin + 1])
        time.sleep(0.005)
    request.wfile.write(b"" if slow else body)
    request.close_connection = announced is not None and announced != len(body)


@contextlib.contextmanager
def serving_folder(folder: Path) -> Iterator[WebFolder]:
    """A server that runs until the block ends."""
    web = WebFolder(folder)
    with loopback_server.serving(web.answer, "HTTP/1.1") as web.url:
        yield web
