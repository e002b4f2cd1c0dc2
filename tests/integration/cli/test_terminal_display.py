"""What a terminal shows while a run goes on, seen through a terminal of our own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.offline_stacks import write_stack

pty = pytest.importorskip("pty", reason="no terminals of this kind here")
LOCK = ("lock", "venvstacks.toml", "--no-index", "--local-wheels", "wheels")


def shown(stack: Path, *arguments: str, **variables: str) -> str:
    """Everything that a command writes to a terminal on its standard error."""
    terminal, ours = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "60", "LINES": "24", **variables}
    command = [sys.executable, "-m", "venvstacks", *arguments]
    with subprocess.Popen(command, cwd=stack, stdout=subprocess.DEVNULL, stderr=ours, env=environment) as child:
        os.close(ours)
        output = bytearray()
        while True:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            output += piece
    os.close(terminal)
    assert child.returncode == 0
    return output.decode("utf-8")


def test_a_bar_counts_tasks_and_running_ones_stand_below_it(tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "stack").parent
    output = shown(stack, *LOCK)
    assert "tasks" in output
    assert "/3" in output
    assert "/?" not in output
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h") == 1, "the cursor is there again"
    assert "3 done in" in output.rpartition("\x1b[?25h")[2]


def test_where_nothing_is_to_be_done_no_display_appears(tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "stack").parent
    shown(stack, *LOCK)
    assert "\x1b" not in shown(stack, *LOCK, "--if-needed")


def test_without_colours(tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "stack").parent
    assert "\x1b[3" not in shown(stack, *LOCK, NO_COLOR="1")
