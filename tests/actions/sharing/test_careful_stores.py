"""Stores that work, and stores that lie, break or hang: no wrong byte gets through, no failure ends a run."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.misbehaving_server import Exchange, misbehaving
from tests.support.shared_stores import (
    BLOB,
    CONTENT,
    KEY,
    RECORD,
    RESULT,
    careful,
    close_stores,
    fetched,
    has_nginx,
    has_s3_server,
    nginx,
    offer,
    s3_server,
)
from venvstacks.errors import UsageError
from venvstacks.sharing import web_results
from venvstacks.sharing.action_result import ActionResult, encode
from venvstacks.sharing.result_stores import StoreAccess, open_store
from venvstacks.tools.web_answer import SpeedLimit

SECONDS = 0.4
SLOW = {"hangs", "trickles", "hangs in a blob"}
"""Kinds of stores that are given up after `SECONDS`; others have the time of all transfers, for busy machines."""


@pytest.fixture(autouse=True)
def _closed_stores() -> Iterator[None]:
    yield
    close_stores()


def other_record(**changed: object) -> bytes:
    return encode(ActionResult.model_validate({**RESULT.model_dump(), **changed}), None)


def record_then(blob: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """A server with a right record that does something else with blobs."""
    return lambda exchange: exchange.answer(RECORD) if "/ac/" in exchange.head else blob(exchange)


def big(exchange: Exchange) -> None:
    exchange.send(f"HTTP/1.1 200 OK\nContent-Length: {1 << 40}\n\n")
    while True:
        exchange.send(bytes(1 << 16))


def trickled(exchange: Exchange) -> None:
    exchange.send(f"HTTP/1.1 200 OK\nContent-Length: {len(CONTENT)}\n\n")
    exchange.trickle(CONTENT, 0.02)


def redirected(exchange: Exchange) -> None:
    exchange.answer(b"", "302 Found", f"Location: {exchange.url}/again\n")


def endless_chunks(exchange: Exchange) -> None:
    exchange.send("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n")
    while True:
        exchange.send("10000\n", bytes(1 << 16), "\n")


def endless_fields(exchange: Exchange) -> None:
    exchange.send("HTTP/1.1 200 OK\n")
    while True:
        exchange.send("X-More: and more\n" * 1000)


def lying_tag(exchange: Exchange) -> None:
    exchange.answer(CONTENT[::-1], fields=f'ETag: "{BLOB.sha256}"\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\n')


Kind = tuple[str, Callable[[Exchange], None], str]
KINDS: list[Kind] = [
    ("hangs", lambda exchange: exchange.hang(), "left alone"),
    ("closes", lambda _: None, "left alone"),
    ("speaks no HTTP", lambda exchange: exchange.send("hello\n\n"), "left alone"),
    ("has trouble", lambda exchange: exchange.answer(b"", "503 Later"), "left alone.*503"),
    ("forbids", lambda exchange: exchange.answer(b"", "403 No"), "left alone.*403"),
    ("wants a login", lambda exchange: exchange.answer(b"", "401 Who"), "left alone.*401"),
    ("redirects for ever", redirected, "left alone.*redirected"),
    ("answers with pages", lambda exchange: exchange.answer(b"<html>not found</html>"), "ac/.* is not used"),
    ("has an empty record", lambda exchange: exchange.answer(b""), "ac/.* is not used"),
    ("has half a record", lambda exchange: exchange.answer(RECORD[:-9]), "ac/.* is not used"),
    ("breaks records off", lambda exchange: exchange.answer(RECORD[:-9], length=len(RECORD)), "left alone.*broke off"),
    ("has a huge record", big, "ac/.* is not used: it has more than"),
    ("compresses", lambda exchange: exchange.answer(RECORD, fields="Content-Encoding: gzip\n"), ""),
    ("has the record of another key", lambda exchange: exchange.answer(other_record(key="cd" * 32)), "another key"),
    ("names a path as a digest", lambda exchange: exchange.answer(
        RECORD.replace(BLOB.sha256.encode(), b"../" * 21 + b"x")), "is not used"),
    ("has no blob", record_then(lambda exchange: exchange.answer(b"", "404 Not Found")), ""),
    ("has an empty blob", record_then(lambda exchange: exchange.answer(b"")), "cas/.* it has 0 bytes"),
    ("has half a blob", record_then(lambda exchange: exchange.answer(CONTENT[:-1])), "cas/.* bytes instead of"),
    ("has too much", record_then(lambda exchange: exchange.answer(CONTENT + b"!")), "it has more than"),
    ("has a swapped blob", record_then(lambda exchange: exchange.answer(CONTENT[::-1])), "another digest"),
    ("never ends", record_then(big), "it has more than"),
    ("breaks off", record_then(lambda exchange: exchange.answer(CONTENT[:99], length=len(CONTENT))), "left alone"),
    ("trickles", record_then(trickled), "left alone.*bytes came in"),
    ("hangs in a blob", record_then(lambda exchange: exchange.hang()), "left alone"),
    ("says not modified", lambda exchange: exchange.answer(b"", "304 Not Modified", 'ETag: "x"\n'), "left alone.*304"),
    ("has no content", lambda exchange: exchange.send("HTTP/1.1 204 No Content\n\n"), "left alone.*204"),
    ("sends header fields without end", endless_fields, "left alone"),
    ("has an ETag that lies", record_then(lying_tag), "another digest"),
    ("sends chunks without end", record_then(endless_chunks), "it has more than"),
    ("sends broken chunks", record_then(lambda exchange: exchange.send(
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nzz\nabc\n")), "left alone"),
    ("announces too little", record_then(lambda exchange: exchange.answer(CONTENT, length=9)), "it has 9 bytes"),
    ("answers with a part", record_then(lambda exchange: exchange.answer(CONTENT[:99], "206 Partial")), "206"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "behaviour", "said"), KINDS, ids=[kind[0] for kind in KINDS])
def test_stores_that_do_wrong_do_no_harm(
    kind: str, behaviour: Callable[[Exchange], None], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind in SLOW:
        monkeypatch.setattr(web_results, "_LIMIT", SpeedLimit(64 << 10, SECONDS))
    with misbehaving(behaviour) as server:
        began = time.monotonic()
        store = careful(f"{server.url.replace('//', '//me:pa55@')}/cache", push=False)
        got = fetched(store, tmp_path)
        assert got is None, kind
        assert time.monotonic() - began < 20, "nothing waits for as long as transfers may"
        assert re.search(said, " ".join(store.trouble)), store.trouble
        assert "pa55" not in " ".join(store.trouble)
        if "left alone" in said:
            assert len(store.trouble) == 1
            asked = len(server.heads)
            assert store.record(KEY) is None
            assert len(server.heads) == asked, "nothing more is asked of it"


def test_a_server_that_is_down_is_left_alone(tmp_path: Path) -> None:
    store = careful("http://127.0.0.1:9/cache")
    assert fetched(store, tmp_path) is None
    offer(store, tmp_path)
    assert len(store.trouble) == 1
    assert "left alone" in store.trouble[0]


def test_many_damaged_files_end_the_use_of_a_store(tmp_path: Path) -> None:
    store = careful(tmp_path / "store")
    (tmp_path / "store/ac").mkdir(parents=True)
    for number in range(5):
        (tmp_path / "store/ac" / f"{number:064}").write_bytes(b"?")
        assert store.record(f"{number:064}") is None
    assert len(store.trouble) == 4
    assert "left alone" in store.trouble[-1]


def test_slow_misses_are_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venvstacks.sharing.careful_store.FRUITLESS", 0.2)

    def slow(exchange: Exchange) -> None:
        time.sleep(0.1)
        exchange.answer(b"", "404 Not Found")

    with misbehaving(slow) as server:
        store = careful(server.url, push=False)
        for number in range(9):
            assert store.record(f"{number:064}") is None
        assert 1 <= len(server.heads) < 4
    assert "left alone" in store.trouble[0]


def test_a_store_that_takes_nothing_is_still_read(tmp_path: Path) -> None:
    def read_only(exchange: Exchange) -> None:
        if exchange.head.startswith("PUT"):
            exchange.answer(b"", "405 Method Not Allowed")
        elif exchange.head.startswith("HEAD"):
            exchange.answer(b"", "404 Not Found")
        else:
            exchange.answer(RECORD if "/ac/" in exchange.head else CONTENT)

    with misbehaving(read_only) as server:
        store = careful(server.url)
        offer(store, tmp_path)
        offer(store, tmp_path)
        assert [line for line in store.trouble if "cannot be written to" in line and "405" in line] == store.trouble
        assert len(store.trouble) == 1
        assert fetched(store, tmp_path) == CONTENT


def test_an_upload_that_nobody_takes_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_results, "_LIMIT", SpeedLimit(64 << 10, SECONDS))

    def deaf(exchange: Exchange) -> None:
        if "PUT" in exchange.head:
            exchange.hang()
        exchange.answer(b"", "404 Not Found")

    with misbehaving(deaf) as server:
        store = careful(server.url)
        offer(store, tmp_path)
        assert "cannot be written to" in store.trouble[0]


def test_logins_and_tokens_are_sent() -> None:
    with misbehaving(lambda exchange: exchange.answer(b"", "404 Not Found")) as server:
        careful(server.url.replace("//", "//me:pa55@"), push=False).record(KEY)
        careful(server.url, push=False, environment={"VENVSTACKS_REMOTE_CACHE_TOKEN": "t0ken"}).record(KEY)
    assert "authorization: basic" in server.heads[0].lower()
    assert "authorization: bearer t0ken" in server.heads[1].lower()


def test_a_folder_is_a_store(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    offer(careful(folder), tmp_path)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        f"ac/{KEY}", f"cas/{BLOB.sha256}",
    ]  # fmt: skip
    assert fetched(careful(folder.as_uri(), push=False), tmp_path) == CONTENT


def test_damaged_files_of_a_folder_are_written_again(tmp_path: Path) -> None:
    """A machine that loses its power leaves files without their content."""
    store = careful(tmp_path / "store")
    offer(store, tmp_path)
    (tmp_path / "store/cas" / BLOB.sha256).write_bytes(bytes(len(CONTENT)))
    assert fetched(store, tmp_path) is None
    offer(store, tmp_path)
    assert fetched(store, tmp_path) == CONTENT


def test_a_folder_that_is_not_mounted_is_no_empty_store(tmp_path: Path) -> None:
    store = careful(tmp_path / "not/mounted")
    assert store.record(KEY) is None
    assert "left alone" in store.trouble[0]
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize("signed", [b"theirs", None])
def test_with_a_secret_only_signed_results_count(signed: bytes | None, tmp_path: Path) -> None:
    offer(careful(tmp_path / "store", secret=signed), tmp_path)
    ours = careful(tmp_path / "store", secret=b"ours")
    assert fetched(ours, tmp_path) is None
    offer(ours, tmp_path)
    assert fetched(careful(tmp_path / "store", secret=b"ours"), tmp_path) == CONTENT
    for record in (tmp_path / "store/ac").iterdir():  # planted under every name
        record.write_bytes(encode(RESULT, signed))
    planted = careful(tmp_path / "store", secret=b"ours")
    assert fetched(planted, tmp_path) is None
    assert "not signed" in planted.trouble[0]


def test_four_writers_and_a_reader_at_once(tmp_path: Path) -> None:
    wrong: list[object] = []
    stop = threading.Event()

    def write(number: int) -> None:
        store = careful(tmp_path / "store")
        place = tmp_path / str(number)
        place.mkdir()
        for _ in range(25):
            offer(store, place)
            (tmp_path / "store/cas" / BLOB.sha256).unlink(missing_ok=True)
        wrong.extend(store.trouble)

    def read() -> None:
        place = tmp_path / "reader"
        place.mkdir()
        while not stop.is_set():
            store = careful(tmp_path / "store", push=False)
            got = fetched(store, place)
            wrong.extend(line for line in store.trouble)
            if got not in {None, CONTENT}:
                wrong.append(got)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    reader = threading.Thread(target=read)
    for thread in (*threads, reader):
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    reader.join()
    assert wrong == []
    assert list((tmp_path / "store").rglob(".*")) == []


@pytest.mark.skipif(not has_nginx(), reason="needs nginx")
def test_nginx_is_a_store(tmp_path: Path) -> None:
    with nginx(tmp_path / "server") as url:
        offer(careful(url), tmp_path)
        assert fetched(careful(url, push=False), tmp_path) == CONTENT
        done = [threading.Thread(target=offer, args=(careful(url), tmp_path)) for _ in range(4)]
        for thread in done:
            thread.start()
        for thread in done:
            thread.join()
        store = careful(url)
        assert fetched(store, tmp_path) == CONTENT
        assert store.trouble == []


@pytest.mark.skipif(not has_s3_server(), reason="needs moto's server")
def test_a_bucket_is_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("obstore")
    with s3_server("results") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        store = careful("s3://results/below", environment=variables)
        assert store.record(KEY) is None
        assert not store.fetch(BLOB, tmp_path / "nothing")
        writers = [threading.Thread(target=offer, args=(store, tmp_path)) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert fetched(store, tmp_path) == CONTENT
        assert store.trouble == []
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        down = careful("s3://results/below", environment=variables)
        assert fetched(down, tmp_path) is None
        assert "left alone" in down.trouble[0]
        assert "pa55" not in down.trouble[0]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://host/x", "cannot be at"),
        ("file://other/x", "not of 'other'"),
        ("http://me:a/b@host/", "login"),
    ],
)
def test_urls_that_make_no_sense(url: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=why):
        open_store(StoreAccess(url, tmp_path, {}))
