"""Package indexes on loopback: pages over a folder of wheels, with whatever faults a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.support import loopback_server

_JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Index:
    """An index over the wheels of a folder.

    Attributes:
        wheels: The folder; it is read again for every request.
        login: (user, password) that it asks for, or None.
        spoil: Changes what is answered: path, status, content type and body to status, content type and body.
        html: Whether pages are HTML (PEP 503) instead of JSON (PEP 691).
        uploaded: ISO time at which every file is said to have been uploaded.
        delay: Seconds before each answer.
        asked: Paths that were asked for, in order.
        url: Where it is; set once it runs.
    """

    wheels: Path
    login: tuple[str, str] | None = None
    spoil: Callable[[str, int, str, bytes], tuple[int, str, bytes]] | None = None
    html: bool = False
    uploaded: str = "2024-01-01T00:00:00Z"
    delay: float = 0.0
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        self.asked.append(path)
        time.sleep(self.delay)
        if self.login and authorization != "Basic " + base64.b64encode(":".join(self.login).encode()).decode():
            return 401, "text/plain", b"who are you?"
        status, kind, body = self._serve(path)
        return self.spoil(path, status, kind, body) if self.spoil else (status, kind, body)

    def _serve(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/simple/"):
            name = path.removeprefix("/simple/").strip("/")
            files = [self._describe(wheel) for wheel in self._wheels_of(name)]
            return self._page(name, files) if files else (404, "text/plain", b"no such project")
        wheel = self.wheels / path.removeprefix("/files/")
        return (200, "application/zip", wheel.read_bytes()) if wheel.is_file() else (404, "text/plain", b"no such file")

    def _page(self, name: str, files: list[dict[str, Any]]) -> tuple[int, str, bytes]:
        if self.html:
            links = (f'<a href="{f["url"]}#sha256={f["hashes"]["sha256"]}">{f["filename"]}</a><br>' for f in files)
            return 200, "text/html", f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": []}
        return 200, _JSON, json.dumps(page).encode()

    def _wheels_of(self, name: str) -> list[Path]:
        return [path for path in sorted(self.wheels.glob("*.whl")) if parse_wheel_filename(path.name)[0] == name]

    def _describe(self, wheel: Path) -> dict[str, Any]:
        data = wheel.read_bytes()
        return {
            "filename": wheel.name,
            "url": f"{self.url.removesuffix('/simple')}/files/{wheel.name}",
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
            "size": len(data),
            "upload-time": self.uploaded,
        }

    def pages(self) -> set[str]:
        """Names of the projects whose pages were asked for."""
        return {str(canonicalize_name(p.split("/")[2])) for p in self.asked if p.startswith("/simple/")}


@contextmanager
def running(index: Index) -> Iterator[Index]:
    """Serve an index on a port of its own."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        status, kind, body = index.answer(request.path, request.headers.get("Authorization"))
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        if status == 401:
            request.send_header("WWW-Authenticate", 'Basic realm="index"')
        request.end_headers()
        request.wfile.write(b"" if request.command == "HEAD" else body)

    with loopback_server.serving(answer) as url:
        index.url = f"{url}/simple"
        yield index
