"""Standard streams that are closed, full or left early: the right message and code, and never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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


COLOURS = [{"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TERM": "xterm-256color"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}]


@pytest.mark.parametrize("variables", COLOURS, ids=" ".join)
def test_no_colours_and_no_bars_go_into_pipes(stack: Path, variables: dict[str, str]) -> None:
    """CI systems set FORCE_COLOR for all programs; a log with bars that move would be of no use."""
    known = {name: value for name, value in os.environ.items() if name not in {*COLOURS[0], "NO_COLOR"}}
    for command in ("lock venvstacks.toml --no-index --local-wheels wheels", "lock -h", "show none.toml"):
        program = [sys.executable, "-m", "venvstacks", *command.split()]
        done = subprocess.run(program, cwd=stack, env=known | variables, capture_output=True, check=False)
        assert b"\x1b" not in done.stdout + done.stderr
        assert b"\r" not in done.stderr
        assert done.stdout + done.stderr


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 3000, "a\n"])
def test_paths_that_cannot_be(stack: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "venvstacks", "show", name], cwd=stack, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "error: the stack specification" in done.stderr
    assert "defect" not in done.stderr


SIGNAL_AT_IMPORT = """
import os, runpy, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), number)

module, number = sys.argv[1], int(sys.argv[2])
del sys.argv[:3]
sys.meta_path.insert(0, Finder())
if sys.argv[0] == "-m":
    runpy.run_module("venvstacks", run_name="__main__")
else:
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("door", "module"),
    [
        ("-m", "venvstacks.cli.error_boundary"),
        ("-m", "typer"),
        ("-m", "venvstacks.cli.show_output"),
        (str(Path(sys.executable).with_name("venvstacks")), "venvstacks.cli.error_boundary"),
    ],
)
def test_a_signal_while_modules_are_loaded_is_one_line(
    stack: Path, door: str, module: str, number: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-c", SIGNAL_AT_IMPORT, module, str(int(number)), door, "show", "venvstacks.toml"]
    done = subprocess.run(command, cwd=stack, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "error: interrupted\n")


def test_nothing_that_takes_time_is_loaded_before_signals_are_handled() -> None:
    code = "import sys; before = {*sys.modules}; import venvstacks.cli; print(*sorted({*sys.modules} - before))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import os; {code}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.split() == ["__future__", "gc", "venvstacks", "venvstacks.cli"], done.stderr
