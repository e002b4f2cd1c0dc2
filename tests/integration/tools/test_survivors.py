"""Children of killed processes, and the files that killed processes began."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from venvstacks.tools import survivors
from venvstacks.tools.files import remove_abandoned, replacing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="file locks as POSIX has them")

ROOT = Path(__file__).parents[3]

PARENT = """
import os, sys, threading
from pathlib import Path
from venvstacks.tools import survivors
from venvstacks.tools.process import Processes

survivors.hold(Path(sys.argv[1]))
Processes().run(["sh", "-c", "echo $$ > pid.new; mv pid.new pid; sleep 60 & wait"], env=dict(os.environ))
"""

ORDERLY = """
import os, subprocess, sys
from pathlib import Path
from venvstacks.tools import survivors
from venvstacks.tools.process import Processes

survivors.hold(Path(sys.argv[1]))
Processes().run(["sh", "-c", "sleep 60 > /dev/null 2>&1 & echo $! > pid"], env=dict(os.environ))
survivors.let_go(Path(sys.argv[1]))
"""

WRITER = """
import os, signal, sys
from pathlib import Path
from venvstacks.tools.files import replacing

with replacing(Path("result")) as temporary:
    temporary.write_text("half")
    print(temporary, flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def start(code: str, folder: Path, *arguments: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def pid_in(folder: Path) -> int:
    for _ in range(2400):
        if (folder / "pid").exists():
            return int((folder / "pid").read_text())
        time.sleep(0.05)
    raise AssertionError("the child does not start")


def test_whoever_comes_after_a_killed_run_waits_for_its_children(tmp_path: Path) -> None:
    lock = tmp_path / "children.lock"
    run = start(PARENT, tmp_path, lock)
    child = pid_in(tmp_path)
    run.kill()
    run.communicate(timeout=120)
    waited: list[str] = []

    def end_child() -> None:
        waited.append("once")
        os.killpg(child, signal.SIGKILL)

    assert survivors.hold(lock, end_child)
    survivors.let_go(lock)
    assert waited == ["once"]


def test_a_daemon_that_has_let_go_of_the_pipes_holds_nobody_up(tmp_path: Path) -> None:
    """It still has the locked file open; what becomes of daemons that keep the pipes is a matter of `Processes`."""
    lock = tmp_path / "children.lock"
    run = start(ORDERLY, tmp_path, lock)
    run.communicate(timeout=120)
    waited: list[str] = []
    assert run.returncode == 0
    assert survivors.hold(lock, lambda: waited.append("once"))
    survivors.let_go(lock)
    assert waited == []
    os.kill(pid_in(tmp_path), signal.SIGKILL)


def test_one_process_may_hold_it_twice(tmp_path: Path) -> None:
    before = set(survivors.descriptors())
    lock = tmp_path / "children.lock"
    assert survivors.hold(lock)
    assert not survivors.hold(lock)
    (descriptor,) = set(survivors.descriptors()) - before
    survivors.let_go(lock)
    assert descriptor in survivors.descriptors()
    survivors.let_go(lock)
    assert set(survivors.descriptors()) == before


def test_only_abandoned_files_are_removed(tmp_path: Path) -> None:
    run = start(WRITER, tmp_path)
    assert run.stdout is not None
    begun = Path(run.stdout.readline().strip())
    mine = tmp_path / ".mine.part"
    mine.write_text("of somebody else")
    remove_abandoned(tmp_path)
    assert begun.exists(), "somebody is writing it"
    run.communicate("go\n", timeout=120)
    assert begun.exists(), "nobody was left to remove it"
    with replacing(tmp_path / "other") as living:
        remove_abandoned(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([mine.name, living.name])
    assert (tmp_path / "other").exists()
