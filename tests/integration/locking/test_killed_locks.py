"""Locking that is killed, at every write and at random moments: no lock is torn, and the next one ends all the same."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.killed_runs import LOCK_TIME, ROOT, descendants, processes_at_work_in
from tests.support.locked_projects import StackOnDisk
from tests.support.specifications import application, framework, runtime
from venvstacks.model.layout import StackLayout

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

LAYERS = (
    runtime(requirements=["frog==1.0"])
    + framework("web", requirements=["toad"], versioned=True)
    + application("app", "web", requirements=["newt"], versioned=True)
)
WRITES = 4 + 4 + 3
"""New locks of `py` and `web` replace four files each; `app`, which takes frog from `py`, keeps its requirements."""

COMMAND = ("lock", "venvstacks.toml", "--no-index", "--local-wheels", "wheelhouse", "--jobs", "1")

KILLED_AT_A_WRITE = """
import os, pathlib, signal, sys
from venvstacks.cli import main

left, place = int(sys.argv.pop(1)), pathlib.Path.replace

def replace(path, target):
    global left
    if "requirements" in pathlib.Path(target).parts:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return place(path, target)

pathlib.Path.replace = replace
sys.argv[0] = "venvstacks"
main()
"""
"""The program, killed just before it puts a lock's file in place for the n-th time."""


@dataclass(frozen=True)
class Changed:
    """A locked stack whose specification has changed, what its locks were, and what they come to undisturbed."""

    stack: StackOnDisk
    before: dict[str, bytes]
    after: dict[str, bytes]
    seconds: float

    def copy(self, place: Path) -> StackOnDisk:
        shutil.copytree(self.stack.base, place)
        return replace(self.stack, path=place / "venvstacks.toml")

    def check_killed(self, stack: StackOnDisk) -> None:
        """Every file is the earlier one or the new one, and the next lock ends as if nothing had happened."""
        for name, content in stack.files().items():
            assert name.endswith(".part") or content in {self.before.get(name), self.after.get(name)}, name
        done = run(stack)
        assert done.returncode == 0, done.stderr
        assert stack.files() == self.after
        assert list((stack.base / StackLayout().staging).iterdir()) == []
        assert [path.name for path in stack.base.rglob("*.part")] == []


def start(stack: StackOnDisk, *program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *program, *COMMAND], cwd=stack.base, env={**stack.environment, "PYTHONPATH": str(ROOT)},
        text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(stack: StackOnDisk, *program: str) -> subprocess.CompletedProcess[str]:
    child = start(stack, *(program or ("-m", "venvstacks")))
    _, said = child.communicate(timeout=300)
    return subprocess.CompletedProcess(child.args, child.returncode, "", said)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Changed:
    folder = tmp_path_factory.mktemp("killed-locks")
    cache = {"UV_CACHE_DIR": str(folder / "uv-cache")}
    stack = replace(StackOnDisk.write(folder / "stack", LOCK_TIME + LAYERS), variables=cache)
    for name, requires in (("frog", []), ("toad", ["frog"]), ("newt", ["toad"]), ("egg", [])):
        stack.wheel(name, "1.0", requires)
        stack.wheel(name, "2.0", requires)
    assert run(stack).returncode == 0
    before = stack.files()
    stack.change('"frog==1.0"', '"frog==2.0"')
    stack.change('["toad"]', '["toad", "egg"]')
    undisturbed = replace(stack, path=folder / "undisturbed/venvstacks.toml")
    shutil.copytree(stack.base, undisturbed.base)
    began = time.perf_counter()
    assert run(undisturbed).returncode == 0
    seconds = time.perf_counter() - began
    after = undisturbed.files()
    assert set(before) == set(after)
    assert sum(before[name] != after[name] for name in before) == WRITES
    return Changed(stack, before, after, seconds)


@pytest.mark.parametrize("write", range(WRITES))
def test_killed_at_a_write(changed: Changed, tmp_path: Path, write: int) -> None:
    stack = changed.copy(tmp_path / "stack")
    assert run(stack, "-c", KILLED_AT_A_WRITE, str(write)).returncode == -signal.SIGKILL
    assert [path.name for path in stack.base.rglob("*.part")] != []
    changed.check_killed(stack)


@pytest.mark.parametrize("trial", range(4))
def test_killed_at_some_moment(changed: Changed, tmp_path: Path, trial: int) -> None:
    """One kill in each quarter of the run; every second one takes the children along."""
    draw = random.Random(trial)
    for attempt in range(10):  # a machine that was busy then may make the run shorter than it was
        stack = changed.copy(tmp_path / f"stack-{attempt}")
        moment = changed.seconds * 0.8**attempt * (trial + draw.random()) / 4
        if killed(stack, moment, children_too=trial % 2 == 0):
            changed.check_killed(stack)
            assert processes_at_work_in(stack.base) == []
            return
    raise AssertionError("every run was over before it could be killed")


def killed(stack: StackOnDisk, seconds: float, *, children_too: bool) -> bool:
    """Kill a lock after so many seconds; whether there was anything left to kill."""
    child = start(stack, "-m", "venvstacks")
    assert child.stderr is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
    if children_too and child.poll() is None:
        child.send_signal(signal.SIGSTOP)  # so that it starts no more of them
        for pid in descendants(child.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    child.kill()
    child.stderr.close()
    return child.wait() == -signal.SIGKILL
