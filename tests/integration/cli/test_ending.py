"""What a signal does to commands that run no tasks, and so have no engine that would listen to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")

COMMAND = """
import os, sys, tempfile, time
from pathlib import Path
from venvstacks.cli import error_boundary as boundary
from venvstacks.tools.process import Processes

def work(*arguments):
    with tempfile.TemporaryDirectory(dir=os.getcwd()):
        Processes().run(["sh", "-c", "echo $$ > child; exec sleep 60"], env=dict(os.environ))

boundary._run = work
sys.exit(boundary.run_command_line([]))
"""


MISTAKEN = """
import os, sys
from venvstacks.cli import error_boundary as boundary
from venvstacks.errors import BuildError

def work(*arguments):
    try:
        os.kill(os.getpid(), int(sys.argv[1]))
    except KeyboardInterrupt as error:
        raise {"ValueError": ValueError, "BuildError": BuildError}[sys.argv[2]]("a wrong model")

boundary._run = work
sys.exit(boundary.run_command_line([]))
"""


IN_A_FINALIZER = """
import os, sys, time
from venvstacks.cli import error_boundary as boundary

class Thing:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        time.sleep(0)

def work(*arguments):
    Thing()  # Python drops what finalizers raise
    for _ in range(100):
        time.sleep(0.1)
    return 0

boundary._run = work
sys.exit(boundary.run_command_line([]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_where_python_drops_exceptions(number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-c", IN_A_FINALIZER, str(int(number))]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "error: interrupted\n")


@pytest.mark.parametrize("error", ["ValueError", "BuildError"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_is_taken_for_a_fault(number: signal.Signals, code: int, error: str) -> None:
    command = [sys.executable, "-c", MISTAKEN, str(int(number)), error]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "error: interrupted\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_no_child_and_no_folder(tmp_path: Path, number: signal.Signals, code: int) -> None:
    root = str(Path(__file__).parents[3])
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND], cwd=tmp_path, env={**os.environ, "PYTHONPATH": root},
        text=True, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    child = tmp_path / "child"
    try:
        while not (child.exists() and child.read_text("utf-8")):
            assert command.poll() is None
            time.sleep(0.01)
        command.send_signal(number)
        _, errors = command.communicate(timeout=50)
    finally:
        if command.poll() is None:
            command.kill()
            command.communicate()
    assert (command.returncode, errors) == (code, "error: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["child"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(child.read_text("utf-8")), 0)
