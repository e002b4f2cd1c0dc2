"""Standard streams that are closed, full or left early: the right message and code, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.offline_stacks import write_stack

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell's redirections")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stack")
    write_stack(folder)
    return folder


def shell(stack: Path, command: str) -> subprocess.CompletedProcess[str]:
    script = command.replace("V ", f'"{sys.executable}" -m venvstacks ', 1)
    return subprocess.run(["/bin/sh", "-c", script], cwd=stack, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("V show venvstacks.toml >&-", 0, ""),
        ("V show venvstacks.toml 2>&- >/dev/null", 0, ""),
        ("V show venvstacks.toml <&- >&- 2>&-", 0, ""),
        ("V --version >&-", 0, ""),
        ("V show venvstacks.toml | head -n 1 >/dev/null", 0, ""),
        ("V show none.toml 2>&-", 3, ""),
        ("V show none.toml >&- 2>&-", 3, ""),
        ("V bild 2>&-", 2, ""),
    ],
)
def test_closed_streams(stack: Path, command: str, code: int, said: str) -> None:
    done = shell(stack, command)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("V show venvstacks.toml >/dev/full", 1, "error: standard output cannot be written: No space left on device\n"),
        ("V show -h >/dev/full", 1, "error: standard output cannot be written: No space left on device\n"),
        ("V --version >/dev/full", 1, "error: standard output cannot be written: No space left on device\n"),
        ("V show none.toml 2>/dev/full", 3, ""),
        ("V lock venvstacks.toml --no-index --local-wheels wheels >/dev/null 2>/dev/full", 0, ""),
    ],
)
def test_full_streams(stack: Path, command: str, code: int, said: str) -> None:
    done = shell(stack, command)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 3000, "a\n"])
def test_paths_that_cannot_be(stack: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "venvstacks", "show", name], cwd=stack, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "error: the stack specification" in done.stderr
    assert "defect" not in done.stderr


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_an_interrupt_during_start_up_is_one_line(stack: Path, seconds: float) -> None:
    code = (
        "import sys\nfrom venvstacks.cli import main\nsys.argv[1:] = ['show', 'venvstacks.toml']\n"
        "def begin():\n    print('up', flush=True)\n    main()\nbegin()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=stack, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.005)  # into `main`
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) in {(0, ""), (130, "error: interrupted\n")}
