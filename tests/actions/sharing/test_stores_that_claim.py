"""Stores that say one thing and do another: redirects with credentials, missing files, writes that are lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.misbehaving_server import Exchange, misbehaving
from tests.support.shared_stores import CONTENT, RECORD, careful, close_stores, fetched, offer


@pytest.fixture(autouse=True)
def _closed_stores() -> Iterator[None]:
    yield
    close_stores()


def test_credentials_follow_no_redirect_to_another_host(tmp_path: Path) -> None:
    with misbehaving(lambda exchange: exchange.answer(RECORD if "/ac/" in exchange.head else CONTENT)) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")

        def redirected_there(exchange: Exchange) -> None:
            path = exchange.head.split()[1]
            exchange.answer(b"", "307 Temporary Redirect", f"Location: {elsewhere}{path}\n")

        with misbehaving(redirected_there) as server:
            environment = {"VENVSTACKS_REMOTE_CACHE_TOKEN": "t0ken"}
            for url in (server.url, server.url.replace("//", "//me:pa55@")):
                assert fetched(careful(url, push=False, environment=environment), tmp_path) in {None, CONTENT}
            assert all("authorization:" in head.lower() for head in server.heads)
    assert not [head for head in other.heads if "authorization" in head.lower() or "t0ken" in head]


def test_a_store_that_claims_to_have_what_it_has_not(tmp_path: Path) -> None:
    """HEAD says yes, so that no blob is written; who asks for it then does the task."""

    def claiming(exchange: Exchange) -> None:
        method, path = exchange.head.split()[:2]
        if method == "HEAD":
            exchange.answer(b"", length=len(CONTENT))
        elif "/ac/" in path:
            exchange.answer(RECORD)
        else:
            exchange.answer(b"", "404 Not Found")

    with misbehaving(claiming) as server:
        store = careful(server.url)
        offer(store, tmp_path)
        assert not [head for head in server.heads if head.startswith("PUT /cas/")]
        assert fetched(store, tmp_path) is None


def test_a_store_that_keeps_nothing(tmp_path: Path) -> None:
    """PUT says 200."""

    def forgetful(exchange: Exchange) -> None:
        length = re.search(r"content-length: (\d+)", exchange.head, re.IGNORECASE)
        left = int(length[1]) if exchange.head.startswith("PUT") and length else 0
        while left > 0 and (piece := exchange.connection.recv(1 << 16)):
            left -= len(piece)
        exchange.answer(b"", "200 OK" if exchange.head.startswith("PUT") else "404 Not Found")

    with misbehaving(forgetful) as server:
        store = careful(server.url)
        for _ in range(2):
            offer(store, tmp_path)
            assert fetched(store, tmp_path) is None
        assert [head.split()[0] for head in server.heads].count("GET") == 2, "it is asked again"
