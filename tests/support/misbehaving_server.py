"""A server on loopback that speaks HTTP by hand, and wrongly: what it answers is the bytes that a test writes."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Exchange:
    """One request, and the way back.

    Attributes:
        connection: The open connection.
        head: The request's first line and header fields.
        number: How many requests came before on this server.
        url: The server's own URL.
    """

    connection: socket.socket
    head: str
    number: int
    url: str

    @property
    def start(self) -> int:
        """First byte of the part that is asked for."""
        found = re.search(r"^range: bytes=(\d+)-", self.head, re.IGNORECASE | re.MULTILINE)
        return int(found[1]) if found else 0

    def send(self, *parts: str | bytes) -> None:
        """Send text and bytes as they are; a line end in text becomes the one of HTTP."""
        for part in parts:
            self.connection.sendall(part.replace("\n", "\r\n").encode() if isinstance(part, str) else part)

    def answer(self, content: bytes, status: str = "200 OK", fields: str = "", length: int | None = None) -> None:
        """Send a whole answer; `length` is what it announces.

        The connection ends after it, and the answer says so: a client that sends its next request on it, as after a
        redirect, would have it reset.
        """
        size = len(content) if length is None else length
        self.send(f"HTTP/1.1 {status}\nContent-Length: {size}\nConnection: close\n{fields}\n", content)

    def trickle(self, content: bytes, seconds: float = 0.05) -> None:
        """Send byte after byte, slowly."""
        for byte in content:
            self.send(bytes([byte]))
            time.sleep(seconds)

    def hang(self) -> None:
        """Say nothing more until the other side has gone."""
        with contextlib.suppress(OSError):
            while self.connection.recv(1 << 16):
                pass


Behaviour = Callable[[Exchange], None]


@dataclass
class MisbehavingServer:
    """The server.

    Attributes:
        behaviour: Answers a request; the connection ends after it.
        url: Where it listens.
        heads: All requests.
        tls: How connections are encrypted; None: they are not.
        is_over: Whether the next connection is the last, which wakes the thread that accepts them.
    """

    behaviour: Behaviour
    url: str = ""
    heads: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    is_over: bool = False

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError), self._encrypted(accepted) as connection:
            head = b""
            while b"\r\n\r\n" not in head:
                more = connection.recv(1 << 16)
                if not more:
                    return
                head += more
            head = head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"  # content may follow
            self.heads.append(head.decode())
            self.behaviour(Exchange(connection, head.decode(), len(self.heads) - 1, self.url))

    def _encrypted(self, connection: socket.socket) -> socket.socket:
        return self.tls.wrap_socket(connection, server_side=True) if self.tls else connection

    def accept(self, listening: socket.socket) -> None:
        """Serve every connection in a thread of its own, until the server is over."""
        while True:
            connection, _ = listening.accept()
            if self.is_over:
                return connection.close()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()


@contextlib.contextmanager
def misbehaving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[MisbehavingServer]:
    """A server that runs until the block ends."""
    server = MisbehavingServer(behaviour, tls=tls)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.accept, args=(listening,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.is_over = True
            with socket.create_connection(listening.getsockname()):  # Windows shuts down no listening socket
                thread.join()
