"""A client of HTTP/1.1 on the standard library: connections that are kept, TLS, proxies and redirects."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urljoin

from venvstacks.tools.http_message import BrokenAnswerError, NothingCameError, Reply, read_reply
from venvstacks.tools.web_addresses import Address, address_of
from venvstacks.tools.web_credentials import basic

if TYPE_CHECKING:
    import ssl
    from typing import Self

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0

_MOST_REDIRECTS = 20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class TooManyRedirectsError(Exception):
    """A server redirects again and again."""


class PlainRedirectError(Exception):
    """A redirect leads from an encrypted connection to a plain one.

    Attributes:
        before: The URL that was asked for.
        after: Where it leads.
    """

    def __init__(self, before: str, after: str) -> None:
        super().__init__()
        self.before = before
        self.after = after


class ConnectFailedError(Exception):
    """No connection could be made; the cause says why.

    Attributes:
        host: The host, or the proxy.
    """

    def __init__(self, host: str, why: str) -> None:
        super().__init__(why)
        self.host = host


@dataclass
class _Connection:
    """An open connection.

    Attributes:
        socket: Its socket.
        stream: What comes from the server.
        origin: What it is for.
        used: Whether it has served a request before; the server may have closed it since.
    """

    socket: socket.socket
    stream: BinaryIO
    origin: tuple[str, str, int]
    used: bool = False

    def close(self) -> None:
        """Close it."""
        for one in (self.stream, self.socket):
            with contextlib.suppress(OSError):
                one.close()


@dataclass
class WebClient:
    """Sends requests and keeps connections for further ones; may be used by several threads.

    Attributes:
        authorization: The `Authorization` of a request to an address; None without one.
        proxy: The proxy for an address; None for a direct connection.
        certificates: Makes what verifies certificates; called once, when it is first needed.
    """

    authorization: Callable[[Address], str | None]
    proxy: Callable[[Address], Address | None]
    certificates: Callable[[], ssl.SSLContext]
    _idle: list[_Connection] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _context: ssl.SSLContext | None = None
    _is_over: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._is_over = True
            idle, self._idle[:] = list(self._idle), []
        for connection in idle:
            connection.close()

    @contextlib.contextmanager
    def stream(
        self, method: str, url: str, headers: Mapping[str, str], content: Iterable[bytes] | None = None
    ) -> Iterator[Reply]:
        """The answer to a request; redirects of requests without content are followed.

        Raises:
            ConnectFailedError: There is no connection.
            BrokenAnswerError: What comes is no answer.
            TooManyRedirectsError: There is no end of redirects.
            PlainRedirectError: A redirect leads from https to http.
            ValueError: A URL is none.
            OSError: The connection failed.
        """
        address = address_of(url)
        sent = dict(headers)
        if "Authorization" not in sent and (found := self.authorization(address)) is not None:
            sent["Authorization"] = found
        for _ in range(_MOST_REDIRECTS + 1):
            with self._asked(method, address, sent, content) as reply:
                location = reply.headers.get("Location")
                if reply.status not in _REDIRECTS or location is None or content is not None:
                    yield reply
                    return
            before, url = url, urljoin(url, location)
            after = address_of(url)
            if address.scheme == "https" and after.scheme != "https":
                raise PlainRedirectError(before, url)
            if after.origin != address.origin:
                sent.pop("Authorization", None)
            address = after
        raise TooManyRedirectsError

    @contextlib.contextmanager
    def _asked(
        self, method: str, address: Address, headers: Mapping[str, str], content: Iterable[bytes] | None
    ) -> Iterator[Reply]:
        connection, reply = self._answered(method, address, headers, content)
        try:
            yield reply
        except BaseException:
            connection.close()
            raise
        connection.used = True
        with self._guard:
            keep = reply.finished and reply.stays_open and not self._is_over  # other threads may have ended the client
            self._idle += [connection] if keep else []
        if not keep:
            connection.close()

    def _answered(
        self, method: str, address: Address, headers: Mapping[str, str], content: Iterable[bytes] | None
    ) -> tuple[_Connection, Reply]:
        while True:
            connection = self._connection(address, fresh=content is not None)
            try:
                connection.socket.sendall(self._head(method, address, headers))
                for piece in content or ():
                    connection.socket.sendall(piece)
                return connection, read_reply(connection.stream, method)
            except (NothingCameError, ConnectionError):
                connection.close()
                if not connection.used:
                    raise
            except BaseException:
                connection.close()
                raise

    def _head(self, method: str, address: Address, headers: Mapping[str, str]) -> bytes:
        proxy = self.proxy(address) if address.scheme == "http" else None
        target = address.target if proxy is None else f"http://{address.authority}{address.target}"
        lines = {"Host": address.authority, "Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "venvstacks"}
        lines |= headers
        if proxy is not None and proxy.login:
            lines["Proxy-Authorization"] = basic(*proxy.login)
        return _text(f"{method} {target} HTTP/1.1", lines)

    def _connection(self, address: Address, *, fresh: bool) -> _Connection:
        with self._guard:
            for number, one in enumerate(self._idle):
                if one.origin == address.origin and not fresh:
                    return self._idle.pop(number)
        proxy = self.proxy(address)
        context = self._verifying() if address.scheme == "https" else None
        opened = self._open(proxy or address)
        try:
            if context is not None:
                if proxy is not None:
                    _ask_for_tunnel(opened, proxy, address)
                opened = _encrypted(opened, address.host, context)
        except BaseException:
            opened.close()
            raise
        opened.settimeout(SILENCE_SECONDS)
        return _Connection(opened, opened.makefile("rb"), address.origin)

    @staticmethod
    def _open(address: Address) -> socket.socket:
        try:
            opened = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, UnicodeError) as error:  # the latter: a name that cannot be looked up
            why = error.strerror if isinstance(error, OSError) else None
            raise ConnectFailedError(address.host, f"{address.authority}: {why or error}") from error
        return opened

    def _verifying(self) -> ssl.SSLContext:
        with self._guard:
            if self._context is None:
                self._context = self.certificates()
            return self._context


def _encrypted(plain: socket.socket, host: str, context: ssl.SSLContext) -> socket.socket:
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except (OSError, ValueError) as error:
        raise ConnectFailedError(host, str(error)) from error


def _ask_for_tunnel(opened: socket.socket, proxy: Address, address: Address) -> None:
    host = f"[{address.host}]" if ":" in address.host else address.host
    place = f"{host}:{address.port}"
    lines = {"Host": place}
    if proxy.login:
        lines["Proxy-Authorization"] = basic(*proxy.login)
    try:
        opened.sendall(_text(f"CONNECT {place} HTTP/1.1", lines))
        with opened.makefile("rb", buffering=0) as stream:  # what follows the answer is not the proxy's
            status = read_reply(cast("BinaryIO", stream), "CONNECT").status
    except (OSError, BrokenAnswerError) as error:
        raise ConnectFailedError(proxy.host, str(error)) from error
    if not 200 <= status < 300:
        raise ConnectFailedError(proxy.host, f"the proxy {proxy.host} answered with HTTP status {status}")


def _text(first: str, lines: Mapping[str, str]) -> bytes:
    """The head of a request.

    Raises:
        ValueError: A line holds what no header field may hold.
    """
    text = "".join(f"{line}\r\n" for line in (first, *(f"{name}: {value}" for name, value in lines.items()), ""))
    if text.count("\r") != text.count("\r\n") or text.count("\n") != len(lines) + 2 or "\0" in text:
        raise ValueError("a header field has several lines")
    return text.encode("latin-1")
