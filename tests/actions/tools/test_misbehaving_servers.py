"""Downloads from servers that are broken, slow, or hostile: a clear error in bounded time, or the file."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.misbehaving_server import Behaviour, Exchange, misbehaving
from venvstacks.errors import InterruptedRunError, TransferError
from venvstacks.tools.transfer import Downloads, WantedFile
from venvstacks.tools.web import open_client
from venvstacks.tools.web_answer import SpeedLimit

CONTENT = bytes(range(256)) * 1200
DIGEST = sha256(CONTENT).hexdigest()
OTHER = b"?" * len(CONTENT)
BOMB = gzip.compress(bytes(1 << 24))
CHUNK = b"1000\r\n" + b"frog" * 1024 + b"\r\n"
LIMIT = SpeedLimit(1000, 0.4)


def fields(exchange: Exchange, name: str) -> None:
    exchange.answer(CONTENT, fields=name)


def endless(exchange: Exchange, start: str, piece: str | bytes) -> None:
    exchange.send(start)
    while True:
        exchange.send(piece)


def part(exchange: Exchange, first: int, content: bytes) -> None:
    exchange.answer(content, "206 Partial Content", f"Content-Range: bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}\n")


def cut_first(then: Behaviour) -> Behaviour:
    """The first connection ends in the middle; `then` answers the others."""

    def answer(exchange: Exchange) -> None:
        if exchange.number == 0:
            exchange.answer(CONTENT[:100_000], length=len(CONTENT))
        else:
            then(exchange)

    return answer


def reset_after_a_byte(exchange: Exchange) -> None:
    start = exchange.start
    rest = len(CONTENT) - start
    status = "206 Partial Content" if start else "200 OK"
    span = f"Content-Range: bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}\n" if start else ""
    exchange.answer(CONTENT[start : start + 1], status, span, rest)


def redirect(target: str) -> Behaviour:
    return lambda exchange: exchange.answer(b"", "302 Found", f"Location: {target}\n")


BROKEN = "broke off"
NOT_IT = "is not the file that was expected"
FAILING: list[tuple[str, Behaviour, str]] = [
    ("nothing at all", lambda _: None, BROKEN),
    ("no HTTP", lambda e: e.send("220 ftp ready\n"), BROKEN),
    ("not a status", lambda e: e.send("HTTP/1.1 abc OK\n\n"), BROKEN),
    ("a status below all", lambda e: e.answer(CONTENT, "000 OK"), "broke off|status 0"),
    ("cut in the headers", lambda e: e.send("HTTP/1.1 200 OK\nContent-Le"), BROKEN),
    ("endless headers", lambda e: endless(e, "HTTP/1.1 200 OK\n", f"X: {'y' * 1000}\n"), BROKEN),
    ("endless interim answers", lambda e: endless(e, "", "HTTP/1.1 103 Early Hints\n\n"), BROKEN),
    ("a header without an end", lambda e: endless(e, "HTTP/1.1 200 OK\nX: ", "y" * 1000), BROKEN),
    ("slow headers", lambda e: e.trickle(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000), "bytes came in"),
    ("no answer", lambda e: e.hang(), "0 bytes came in"),
    ("cut in the middle", lambda e: e.answer(CONTENT[:1000], length=len(CONTENT)), "broke off"),
    ("reset after each byte", reset_after_a_byte, "broke off"),
    ("a slow body", lambda e: (e.send(f"HTTP/1.1 200 OK\nContent-Length: {len(CONTENT)}\n\n"), e.trickle(CONTENT))[0],
     "bytes came in"),
    ("stalled body", lambda e: (e.answer(CONTENT[:1000], length=len(CONTENT)), e.hang())[0], "bytes came in"),
    ("too long", lambda e: e.answer(CONTENT + b"x"), f"{NOT_IT}: it has"),
    ("too short", lambda e: e.answer(CONTENT[:-1]), f"{NOT_IT}: it has"),
    ("a petabyte", lambda e: e.answer(CONTENT, length=1 << 50), f"{NOT_IT}: it has"),
    ("a length of many digits", lambda e: e.send(f"HTTP/1.1 200 OK\nContent-Length: {'9' * 5000}\n\n"), BROKEN),
    ("a length that is none", lambda e: e.send("HTTP/1.1 200 OK\nContent-Length: frog\n\n", CONTENT), BROKEN),
    ("two lengths", lambda e: fields(e, "Content-Length: 5\n"), BROKEN),
    ("endless without a length", lambda e: endless(e, "HTTP/1.1 200 OK\n\n", CONTENT), f"{NOT_IT}: more than"),
    ("endless chunks", lambda e: endless(e, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", CHUNK),
     f"{NOT_IT}: more than"),
    ("a chunk of no size", lambda e: e.send("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nxyz\n"), BROKEN),
    ("a chunk that is cut", lambda e: e.send("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nffff\nabc"), BROKEN),
    ("a compressed bomb", lambda e: e.answer(BOMB, fields="Content-Encoding: gzip\n"), f"{NOT_IT}: it has"),
    ("other content", lambda e: e.answer(OTHER), f"{NOT_IT}: its SHA-256"),
    ("416 for the whole", lambda e: e.answer(b"", "416 Range Not Satisfiable"), "HTTP status 416"),
    ("a part for the whole", lambda e: part(e, 1000, CONTENT[1000:]), f"{NOT_IT}: .*another part"),
    ("always another part", cut_first(lambda e: part(e, 5, CONTENT[5:])), f"{NOT_IT}: .*another part"),
    ("other content from now on", cut_first(lambda e: e.answer(OTHER)), f"{NOT_IT}: its SHA-256"),
    ("no content", lambda e: e.answer(b"", "204 No Content"), "HTTP status 204"),
    ("not modified", lambda e: e.answer(b"", "304 Not Modified"), "HTTP status 304"),
    ("a redirect to nowhere", lambda e: e.answer(b"", "302 Found"), "HTTP status 302"),
    ("a redirect to a file", redirect("file:///etc/passwd"), "cannot be reached"),
    ("a redirect to no URL", redirect("http://[::1"), "cannot be reached|broke off"),
    ("a redirect to nobody", redirect("http://127.0.0.1:1/x"), "cannot be reached"),
    ("a login is wanted", lambda e: e.answer(b"", "401 Unauthorized"), "HTTP status 401"),
    ("a server error", lambda e: e.answer(b"", "503 Service Unavailable"), "HTTP status 503"),
]  # fmt: skip
SUCCEEDING: list[tuple[str, Behaviour]] = [
    ("chunks", lambda e: e.send("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", f"{len(CONTENT):x}\n", CONTENT,
                                "\n0\n\n")),
    ("no length", lambda e: e.send("HTTP/1.0 200 OK\n\n", CONTENT)),
    ("the whole for a part", cut_first(lambda e: e.answer(CONTENT))),
    ("416 for a part", cut_first(lambda e: e.answer(b"", "416 Range Not Satisfiable") if e.start else
                                 e.answer(CONTENT))),
    ("another part, but the whole on request", cut_first(lambda e: part(e, 5, CONTENT[5:]) if e.start else
                                                         e.answer(CONTENT))),
    ("named as compressed", lambda e: fields(e, "Content-Encoding: x-gzip\n")),
    ("the rest", cut_first(lambda e: part(e, e.start, CONTENT[e.start :]))),
    ("a redirect", lambda e: redirect("/there")(e) if "/x" in e.head else e.answer(CONTENT)),
]  # fmt: skip


@pytest.fixture
def downloads() -> Iterator[Downloads]:
    with Downloads({}, pauses=(0.0, 0.0, 0.0), limit=LIMIT) as ready:
        yield ready


@pytest.mark.parametrize(("behaviour", "says"), [case[1:] for case in FAILING], ids=[case[0] for case in FAILING])
def test_a_clear_error_and_an_end(behaviour: Behaviour, says: str, downloads: Downloads, tmp_path: Path) -> None:
    with misbehaving(behaviour) as server:
        wanted = WantedFile(f"{server.url}/x?sig=s3cret", DIGEST, len(CONTENT))
        with pytest.raises(TransferError, match=says) as caught:
            downloads.fetch(wanted, tmp_path / "x")
        with pytest.raises(TransferError) as read:
            downloads.read(f"{server.url}/x?sig=s3cret", 10)
    assert "s3cret" not in f"{caught.value}{read.value}"
    assert caught.value.hint
    assert caught.value.kind != "other file" or not (tmp_path / "x").exists()
    assert len(server.heads) <= 50


def test_a_redirect_in_circles_ends(tmp_path: Path) -> None:
    with misbehaving(redirect("/x")) as server, Downloads({}) as downloads:
        for attempt in (
            lambda: downloads.fetch(WantedFile(f"{server.url}/x", DIGEST, len(CONTENT)), tmp_path / "x"),
            lambda: downloads.read(f"{server.url}/x", 10),
        ):
            with pytest.raises(TransferError, match="redirected again and again") as caught:
                attempt()
            assert caught.value.hint
    assert len(server.heads) <= 50


@pytest.mark.parametrize("behaviour", [case[1] for case in SUCCEEDING], ids=[case[0] for case in SUCCEEDING])
def test_what_is_odd_but_right(behaviour: Behaviour, downloads: Downloads, tmp_path: Path) -> None:
    with misbehaving(behaviour) as server:
        downloads.fetch(WantedFile(f"{server.url}/x", DIGEST, len(CONTENT)), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_what_was_resumed_is_not_counted(downloads: Downloads, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(CONTENT[:100_000])
    with misbehaving(lambda e: part(e, e.start, CONTENT[e.start :])) as server:
        received = downloads.fetch(WantedFile(f"{server.url}/x", DIGEST, len(CONTENT)), tmp_path / "x")
    assert received == len(CONTENT) - 100_000


def test_a_login_is_not_sent_to_another_host(downloads: Downloads) -> None:
    with misbehaving(lambda e: e.answer(b"frog")) as other:
        target = other.url.replace("127.0.0.1", "localhost")
        with misbehaving(redirect(f"{target}/y")) as server:
            url = server.url.replace("//", "//me:s3cret@")
            assert downloads.read(f"{url}/x", 10) == b"frog"
    assert "authorization: basic" in server.heads[0].lower()
    assert "authorization" not in other.heads[0].lower()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, with its key in `key.pem` next to it."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("needs openssl for a certificate")
    folder = tmp_path_factory.mktemp("tls")
    options = "-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run([openssl, "req", *options.split(), *files], check=True, capture_output=True)
    return folder / "cert.pem"


@pytest.mark.parametrize("steps", [0, 1])
def test_an_encrypted_server_may_not_redirect_to_a_plain_one(steps: int, certificate: Path, tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with misbehaving(lambda e: e.answer(CONTENT)) as plain:

        def answer(exchange: Exchange) -> None:
            if "/sound" in exchange.head:
                exchange.answer(CONTENT)
            elif exchange.number < steps:
                redirect("/next")(exchange)
            else:
                redirect(f"{plain.url}/y?t=s3cret")(exchange)

        with misbehaving(answer, tls) as server, Downloads({"SSL_CERT_FILE": str(certificate)}, pauses=()) as downloads:
            with pytest.raises(TransferError, match="which is not encrypted") as caught:
                downloads.fetch(WantedFile(f"{server.url}/x?t=s3cret", DIGEST, len(CONTENT)), tmp_path / "x")
            downloads.fetch(WantedFile(f"{server.url}/sound", DIGEST, len(CONTENT)), tmp_path / "sound")
    assert caught.value.hint
    assert "s3cret" not in str(caught.value)
    assert plain.heads == []
    assert not (tmp_path / "x").exists()


STALLS: list[tuple[str, Behaviour]] = [
    ("no answer", lambda e: e.hang()),
    ("slow headers", lambda e: e.trickle(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000)),
    ("stalled body", lambda e: (e.answer(CONTENT[:1000], length=len(CONTENT)), e.hang())[0]),
    ("trouble", lambda e: e.answer(b"", "503 Service Unavailable")),
]


_SOON = 10
"""Seconds in which a transfer stops, on a busy machine too; all that it could wait for takes twice as long."""


def _stops_soon(
    work: Callable[[Downloads, str], object], url: str, *, is_waiting: Callable[[], bool] = lambda: True
) -> bool:
    """Whether `work`, which waits for an answer, ends soon after nobody wants the file any more."""
    stop = threading.Event()
    ended = threading.Event()

    def run() -> None:
        with Downloads({}, pauses=(60.0,), stopping=stop.is_set) as downloads:
            with pytest.raises(InterruptedRunError):
                work(downloads, url)
            ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive() and not is_waiting():
        time.sleep(0.01)
    time.sleep(0.5)
    stop.set()
    in_time = ended.wait(_SOON)
    thread.join()
    return in_time


@pytest.mark.parametrize("behaviour", [case[1] for case in STALLS], ids=[case[0] for case in STALLS])
def test_who_waits_can_stop_waiting(behaviour: Behaviour, tmp_path: Path) -> None:
    with misbehaving(behaviour) as server:
        url = f"{server.url}/x"
        assert _stops_soon(lambda d, url: d.fetch(WantedFile(url, DIGEST), tmp_path / "x"), url)
        assert _stops_soon(lambda d, url: d.read(url, len(CONTENT)), url)


def test_a_connection_that_never_comes_about_holds_nobody(tmp_path: Path) -> None:
    """A listener with a full queue drops further connections, as a firewall does."""
    with closing(socket.socket()) as full, closing(socket.socket()) as filling, closing(socket.socket()) as more:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (filling, more):
            one.settimeout(0)
            one.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/x"
        assert _stops_soon(lambda d, url: d.fetch(WantedFile(url, DIGEST), tmp_path / "x"), url)


def test_a_name_that_is_looked_up_for_ever_holds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, done = threading.Event(), threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        asked.set()
        done.wait(20)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    file = WantedFile("http://frog.example/x", DIGEST)
    assert _stops_soon(lambda d, _: d.fetch(file, tmp_path / "x"), file.url, is_waiting=asked.is_set)
    done.set()


def test_a_connection_that_becomes_free_after_the_end_of_its_client_is_closed() -> None:
    """The thread of an answer may be later than the one that has read it and closes the client."""
    is_gone = threading.Event()

    def keep_open(exchange: Exchange) -> None:
        exchange.send("HTTP/1.1 404 Not Found\nContent-Length: 0\n\n")
        exchange.hang()
        is_gone.set()

    with misbehaving(keep_open) as server:
        client = open_client({})
        with client.stream("GET", server.url, {}) as reply:
            assert [*reply.pieces()] == []
            with client:
                pass
        assert is_gone.wait(_SOON)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SSL_CERT_FILE": "/nowhere/x.pem"}, "SSL_CERT_FILE is wrong: /nowhere/x.pem cannot be read: No such file"),
        ({"SSL_CERT_FILE": "/"}, "SSL_CERT_FILE is wrong: / cannot be read"),
        ({"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE is wrong: .* holds no certificate"),
        ({"SSL_CERT_DIR": "/nowhere"}, "SSL_CERT_DIR is wrong: there is no folder /nowhere"),
        ({"HTTP_PROXY": "http://me:s3cret@["}, "HTTP_PROXY, .* is wrong: .* is no proxy's URL"),
        ({"ALL_PROXY": "frog://me:s3cret@host"}, "ALL_PROXY is wrong: frog://host is no proxy's URL"),
        ({"HTTP_PROXY": "http://me:s3cret@127.0.0.1:1"}, "cannot be reached"),
    ],
)
def test_wrong_variables_are_named(environment: dict[str, str], says: str, tmp_path: Path) -> None:
    scheme = "https" if "SSL" in says else "http"
    with Downloads(environment, pauses=()) as downloads, pytest.raises(TransferError, match=says) as caught:
        downloads.fetch(WantedFile(f"{scheme}://127.0.0.1:1/x", DIGEST), tmp_path / "x")
    assert "s3cret" not in str(caught.value)


def test_certificates_are_not_read_for_servers_without(tmp_path: Path) -> None:
    with (
        misbehaving(lambda e: e.answer(CONTENT)) as server,
        Downloads({"SSL_CERT_FILE": "/nowhere/x.pem"}, pauses=()) as downloads,
    ):
        downloads.fetch(WantedFile(f"{server.url}/x", DIGEST, len(CONTENT)), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_a_proxy_that_wants_a_login(tmp_path: Path) -> None:
    with misbehaving(lambda e: e.answer(b"", "407 Proxy Authentication Required")) as proxy:
        environment = {"HTTPS_PROXY": proxy.url.replace("//", "//me:s3cret@")}
        with Downloads(environment, pauses=()) as downloads, pytest.raises(TransferError, match="407") as caught:
            downloads.fetch(WantedFile("https://frog.example/x", DIGEST), tmp_path / "x")
    assert "s3cret" not in str(caught.value)
