"""A terminal of a given width in which a command runs: what its screen shows at each moment, and at the end."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

pyte = pytest.importorskip("pyte")
pty = pytest.importorskip("pty", reason="no terminals of this kind here")

ROWS = 50
# Makes the terminal the one that the command is controlled by, so that Ctrl-C reaches it and nobody else.
_BEGIN = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


@dataclass(frozen=True)
class Shown:
    """What a command showed.

    Attributes:
        status: Its exit code.
        screens: The lines of the screen after each piece of output, without what is empty at its end.
        cursor: Whether the cursor can be seen at the end.
    """

    status: int
    screens: Sequence[tuple[str, ...]]
    cursor: bool

    @property
    def last(self) -> str:
        """The last screen as text."""
        return "\n".join(self.screens[-1])


def show(
    command: Sequence[str | Path],
    width: int,
    folder: Path,
    environment: Mapping[str, str],
    interrupt: Callable[[tuple[str, ...]], bool] = lambda _: False,
) -> Shown:
    """Run a command line of this Python's `venvstacks` in a terminal.

    Args:
        command: Its arguments.
        width: Columns of the terminal.
        folder: Where it runs.
        environment: Its environment; what says how wide a terminal is does not count.
        interrupt: Called with each screen; Ctrl-C is pressed, once, as soon as it is true.
    """
    import fcntl  # noqa: PLC0415 - not on Windows
    import termios  # noqa: PLC0415

    terminal, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))
    variables = {name: value for name, value in environment.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    program = [sys.executable, "-c", _BEGIN, sys.executable, "-m", "venvstacks", *map(str, command)]
    screen = pyte.Screen(width, ROWS)
    stream = pyte.ByteStream(screen)
    screens: list[tuple[str, ...]] = []
    pressed = False
    streams = {"stdin": ours, "stdout": ours, "stderr": ours}
    with subprocess.Popen(program, cwd=folder, env={**variables, "TERM": "xterm-256color"}, **streams) as child:
        os.close(ours)
        while piece := _read(terminal):
            stream.feed(piece)
            screens.append(_lines(screen))
            if not pressed and interrupt(screens[-1]):
                pressed = True
                os.write(terminal, b"\x03")
        os.close(terminal)
        child.wait(60)
    return Shown(child.returncode, screens, not screen.cursor.hidden)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def _lines(screen: pyte.Screen) -> tuple[str, ...]:
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)
