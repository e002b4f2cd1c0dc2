"""Pythons for tests: a tiny fake tree in the shape of python-build-standalone's archives, and a mirror on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import loopback_server
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.provider_request import ArchiveSource, RuntimeRequest, RuntimeTools
from venvstacks.tools.process import Processes

LINUX = PLATFORMS["linux_x86_64"]
WINDOWS = PLATFORMS["win_amd64"]

INTERPRETER = b"#!/bin/sh\necho not a real Python\n"

WANTED = {
    "bin/python3.11": INTERPRETER,
    "include/python3.11/patchlevel.h": b'#define PY_VERSION      "3.11.7"\n',
    "lib/python3.11/os.py": b"# the os module\n",
    "lib/python3.11/ensurepip/_bundled/pip-23.2.1-py3-none-any.whl": b"PK",
    "lib/libpython3.11.so.1.0": b"\x7fELF",
}
UNWANTED = {
    "bin/pip3": b"#!/install/bin/python3.11\n",
    "bin/python3-config": b"#!/bin/sh\n",
    "lib/python3.11/EXTERNALLY-MANAGED": b"[externally-managed]\n",
    "lib/python3.11/__pycache__/os.cpython-311.pyc": b"code",
    "lib/python3.11/site-packages/pip/__init__.py": b"",
    "lib/python3.11/test/test_os.py": b"",
    "lib/libpython3.11.a": b"!<arch>\n",
    "share/man/man1/python3.11.1": b"manual\n",
}
LINKS = {"bin/python": "python3.11", "bin/python3": "python3.11", "lib/libpython3.11.so": "libpython3.11.so.1.0"}


def wanted_python(version: str = "3.11.7") -> RuntimeRequest:
    """A request for a CPython on Linux."""
    return RuntimeRequest(PythonImplementation("cpython", version), LINUX)


def wanted_archive(url: str, packed: bytes, version: str = "3.11.7") -> RuntimeRequest:
    """A request for a CPython on Linux that names one archive for it."""
    source = ArchiveSource(url, hashlib.sha256(packed).hexdigest())
    return RuntimeRequest(PythonImplementation("cpython", version), LINUX, {LINUX.name: source})


def tools_in(folder: Path, environment: Mapping[str, str] | None = None) -> RuntimeTools:
    """A tools whose cache is below `folder` and which knows no other environment than the one given."""
    return RuntimeTools(Processes(), environment or {}, folder / "cache", retry_pauses=())


def pack(
    files: Mapping[str, bytes] | None = None,
    links: Mapping[str, str] | None = None,
    *,
    top: str = "python/",
    compression: str = "gz",
) -> bytes:
    """A tar archive of a fake Python below the folder `top`; what stands in a `bin` is executable."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:
        for name, content in (WANTED | UNWANTED if files is None else files).items():
            member = tarfile.TarInfo(top + name)
            member.size = len(content)
            member.mode = 0o775 if "bin/" in name else 0o664
            archive.addfile(member, io.BytesIO(content))
        for name, target in (LINKS if links is None else links).items():
            member = tarfile.TarInfo(top + name)
            member.type = tarfile.SYMTYPE
            member.linkname = target
            archive.addfile(member)
    return stream.getvalue()


@dataclass
class Mirror:
    """A web server on loopback.

    Attributes:
        url: Where its files are.
        files: What it serves, by name.
        asked: Every path that was asked for, in order.
        status: Answered instead of a file if it is not 200.
        cut: Whether connections end after half a file.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    cut: bool = False

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Serve one request."""
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        content = self.files.get(request.path.rpartition("/")[2])
        status = 404 if content is None else self.status
        body = content if content is not None and status == 200 else b""
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: len(body) // 2] if self.cut else body)


@contextlib.contextmanager
def serving() -> Iterator[Mirror]:
    """A mirror that runs until the block ends."""
    mirror = Mirror()
    with loopback_server.serving(mirror.answer) as url:
        mirror.url = f"{url}/files"
        yield mirror
