"""Shared results on a web server in the layout of Bazel's HTTP caches: `/ac/<key>`, `/cas/<sha256>`; GET, HEAD, PUT."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from venvstacks.sharing.result_stores import PATIENCE, Area, Content, StoreAccess
from venvstacks.tools.web import open_client, refused
from venvstacks.tools.web_answer import Answer, Head, SpeedLimit, Upload
from venvstacks.urls import child

if TYPE_CHECKING:
    from venvstacks.tools.http_client import WebClient

TOKEN_VARIABLE = "VENVSTACKS_REMOTE_CACHE_TOKEN"  # noqa: S105 - the name of a variable
"""Environment variable with a token that is sent as `Authorization: Bearer`."""

_LIMIT = SpeedLimit(size=64 << 10, seconds=PATIENCE)


class WebResults:
    """A `ResultStore` behind HTTP.

    A login in the URL is sent as basic authentication, and a token from the environment as a bearer token; redirects
    to other hosts get neither.
    """

    def __init__(self, access: StoreAccess) -> None:
        self._access = access
        self._guard = threading.Lock()
        self._closing = contextlib.ExitStack()
        self._client: WebClient | None = None
        token = access.environment.get(TOKEN_VARIABLE, "").strip()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def _connect(self) -> WebClient:
        with self._guard:
            if self._client is None:
                self._client = self._closing.enter_context(open_client(self._access.environment))
            return self._client

    @contextmanager
    def _asked(
        self, method: str, area: Area, name: str, upload: Upload | None = None
    ) -> Iterator[tuple[Head, Answer, str]]:
        url = child(self._access.url, f"{area}/{name}")
        client, stopping = self._connect(), self._access.stopping
        with Answer(client, url, self._headers, stopping, _LIMIT, method=method, upload=upload) as answer:
            yield answer.head(), answer, url

    @contextmanager
    def opened(self, area: Area, name: str) -> Iterator[Iterator[bytes] | None]:
        """The content of a file as it comes."""
        with self._asked("GET", area, name) as (head, answer, url):
            if head.status == 404:
                yield None
            elif head.status == 200:
                yield answer.pieces()
            else:
                raise refused(url, head.status, transient=False)

    def has(self, area: Area, name: str, size: int) -> bool:
        """Whether there is a file, of that size where the server says it."""
        with self._asked("HEAD", area, name) as (head, _, url):
            if head.status == 200:
                return head.number("Content-Length") in {None, size}
            if head.status in {404, 405}:  # 405: a server that knows no HEAD
                return False
            raise refused(url, head.status, transient=False)

    def put(self, area: Area, name: str, content: Content) -> None:
        """Write a file; the servers of this layout show it when it is complete."""
        with self._asked("PUT", area, name, Upload(content.pieces(), content.size)) as (head, _, url):
            if not 200 <= head.status < 300:
                raise refused(url, head.status, transient=False)

    def discard(self, area: Area, name: str) -> None:
        """Nothing: the file is written again where this machine may write."""

    def close(self) -> None:
        """Close connections."""
        self._closing.close()
