"""A server on loopback as if it were far from here: everything takes a while in both directions."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator

_Piece = tuple[float, bytes]


@contextlib.contextmanager
def distant(port: int, seconds: float) -> Iterator[int]:
    """Another port of a server, which is this many seconds from here; ends with the block.

    As on a network, much may be on its way at a time, and a connection takes the way there and back.
    """
    with contextlib.ExitStack() as open_ones:
        listener = open_ones.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=_accept, args=(listener, port, seconds, open_ones), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(listener: socket.socket, port: int, seconds: float, open_ones: contextlib.ExitStack) -> None:
    while True:
        try:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
        except OSError:
            return
        for each in (near, far):
            open_ones.callback(each.close)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _pass_on(near, far, seconds, first=2 * seconds)
        _pass_on(far, near, seconds, first=0.0)


def _pass_on(source: socket.socket, target: socket.socket, seconds: float, first: float) -> None:
    """Pass on what one side sends, each piece after the time that it needs, and the end, too."""
    pieces: queue.Queue[_Piece] = queue.Queue()
    started = time.monotonic() + first

    def read() -> None:
        piece = b"begin"
        while piece:
            try:
                piece = source.recv(1 << 16)
            except OSError:
                piece = b""
            pieces.put((max(started, time.monotonic()) + seconds, piece))

    def write() -> None:
        with contextlib.suppress(OSError):
            while True:
                due, piece = pieces.get()
                time.sleep(max(0.0, due - time.monotonic()))
                if not piece:
                    return target.shutdown(socket.SHUT_WR)
                target.sendall(piece)

    for work in (read, write):
        threading.Thread(target=work, daemon=True).start()
