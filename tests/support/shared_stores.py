"""Stores of shared results for tests: a result with its files, and nginx as a cache server on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

from tests.support.waiting import wait_until
from venvstacks.digests import sha256_bytes
from venvstacks.sharing.action_result import ActionResult, Blob, encode
from venvstacks.sharing.careful_store import CarefulStore
from venvstacks.sharing.result_stores import StoreAccess, open_store

CONTENT = b"the archive of a layer \xf0\x9f\x90\xb8" * 4000
KEY = "ab" * 32
BLOB = Blob(sha256=sha256_bytes(CONTENT), size=len(CONTENT))
RESULT = ActionResult(key=KEY, task="archive:app", outputs={"archive": BLOB}, seconds=2.5, values={"n": 1})
RECORD = encode(RESULT, None)

_NGINX = """\
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path tmp;
  proxy_temp_path tmp/p; fastcgi_temp_path tmp/f; uwsgi_temp_path tmp/u; scgi_temp_path tmp/s;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port};
    root root;
    location ~ "^/(ac|cas)/[0-9a-f]{{64}}$" {{
      dav_methods PUT;
      create_full_put_path on;
    }}
    location / {{ return 404; }}
  }}
}}
"""


def careful(
    url: str | Path, *, secret: bytes | None = None, push: bool = True, environment: dict[str, str] | None = None
) -> CarefulStore:
    """The store at a URL, as runs use it."""
    access = StoreAccess(str(url), Path("/nowhere"), environment or {})
    store = CarefulStore(open_store(access), str(url), secret=secret, push=push)
    _OPENED.append(store)
    return store


_OPENED: list[CarefulStore] = []


def close_stores() -> None:
    """Close all stores that a test has opened."""
    while _OPENED:
        _OPENED.pop().close()


def offer(store: CarefulStore, folder: Path) -> None:
    """Write `RESULT` to a store."""
    file = folder / "content"
    file.write_bytes(CONTENT)
    store.offer(RESULT, {"archive": file})


def fetched(store: CarefulStore, folder: Path) -> bytes | None:
    """What a run gets: the blob of the record, or nothing."""
    result = store.record(KEY)
    if result is None:
        return None
    assert result == RESULT
    target = folder / "fetched"
    if not store.fetch(result.outputs["archive"], target):
        assert not target.exists()
        return None
    return target.read_bytes()


def has_nginx() -> bool:
    """Whether this machine has nginx."""
    return _program() is not None


def _program() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """A cache server in a new folder, as its URL; ends with the block."""
    for name in ("root", "tmp"):
        (folder / name).mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""  # its workers would be somebody else
    configuration.write_text(_NGINX.format(user=user, port=port), "utf-8")
    program = _program()
    assert program is not None
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "-p", f"{folder}/", "-c", configuration, "-e", "stderr"], stderr=log)

    def answers() -> bool:
        assert server.poll() is None, (folder / "log").read_text("utf-8")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_until(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def has_s3_server() -> bool:
    """Whether this machine has moto's server (`pip install 'moto[s3]' flask flask-cors`, in any environment)."""
    return shutil.which("moto_server") is not None


@contextlib.contextmanager
def s3_server(bucket: str) -> Iterator[dict[str, str]]:
    """An S3 server on loopback with a bucket, as the variables that name it; ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["moto_server", "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    endpoint = f"http://127.0.0.1:{port}"

    def has_made_the_bucket() -> bool:
        assert server.poll() is None, "the S3 server has ended"
        with contextlib.suppress(OSError):
            urlopen(Request(f"{endpoint}/{bucket}", method="PUT"), timeout=30).close()
            return True
        return False

    try:
        wait_until(has_made_the_bucket)
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "name",
            "AWS_SECRET_ACCESS_KEY": "pa55",
            "AWS_REGION": "us-east-1",
        }
    finally:
        server.terminate()
        server.wait()
