"""Children are stopped from signal handlers, which may interrupt whatever the main thread is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from venvstacks.errors import InterruptedRunError, TimeLimitError
from venvstacks.tools import process
from venvstacks.tools.process import Processes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")

ROOT = Path(__file__).parents[3]

INTERRUPTED_WHILE_STOPPING = """
import os, signal, sys, threading
from venvstacks.errors import InterruptedRunError
from venvstacks.tools.process import Processes

processes = Processes()
signal.signal(signal.SIGINT, lambda *_: processes.stop(signal.SIGKILL))

kill = os.killpg
def interrupt_and_kill(group, signum):
    os.killpg = kill
    signal.raise_signal(signal.SIGINT)  # the handler runs before the next line, in the midst of the outer stop
    kill(group, signum)
os.killpg = interrupt_and_kill

def work():
    try:
        processes.run(["sleep", "60"], env=dict(os.environ))
    except InterruptedRunError:
        print("stopped", flush=True)

worker = threading.Thread(target=work)
worker.start()
while not processes.started:
    pass
processes.stop(signal.SIGTERM)
worker.join()
"""


def test_a_second_signal_may_come_while_the_first_one_stops_children(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED_WHILE_STOPPING], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = run.communicate(timeout=120)
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGKILL)
            run.communicate()
    assert (run.returncode, output) == (0, "stopped\n")


INTERRUPTED_WHILE_WAITING = """
import os, signal, sys, threading, time
from pathlib import Path
from typing import Any
from venvstacks.tools.process import Processes

here = Path("child")

def interrupt():
    while not (here.exists() and here.read_text(encoding="utf-8")):
        time.sleep(0.01)
    WAY

threading.Thread(target=interrupt).start()
try:
    Processes().run(["sh", "-c", "echo $$ > child; exec sleep 100"], env=dict(os.environ))
except KeyboardInterrupt:
    print("interrupted", flush=True)
try:
    os.kill(int(here.read_text(encoding="utf-8")), 0)
except ProcessLookupError:
    print("nobody is left", flush=True)
"""


@pytest.mark.parametrize(
    "way",
    ["os.kill(os.getpid(), signal.SIGINT)", "signal.pthread_kill(threading.get_ident(), signal.SIGINT)"],
    ids=["usual", "does not wake the main thread"],
)
def test_a_child_does_not_outlive_an_interrupted_call(way: str, tmp_path: Path) -> None:
    """A call in the main thread, as `verify` makes: the child's own session keeps the terminal's Ctrl-C from it.

    A signal that comes in the moment before the main thread begins to wait does not wake it.
    """
    program = INTERRUPTED_WHILE_WAITING.replace("WAY", way)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["interrupted", "nobody is left"]


def test_an_interrupt_while_a_child_is_started_leaves_none_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            children.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        Processes().run(["sleep", "60"], env=dict(os.environ))
    (child,) = children
    assert child.poll() == -signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_left_in_the_background_keeps_nobody_waiting() -> None:
    """It has the child's standard output open for a minute."""
    done = Processes().run(["sh", "-c", "sleep 60 & echo $!"], env=dict(os.environ))
    os.kill(int(done.stdout), signal.SIGKILL)
    assert done.seconds < 30


def test_a_child_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    script = "sleep 60 & echo $! > pid; echo begun; wait"
    with pytest.raises(TimeLimitError, match=r"did not end within 2 s") as caught:
        Processes().run(["sh", "-c", script], env=dict(os.environ), cwd=tmp_path, limit=2)
    assert caught.value.details == ("begun",)
    assert ends(int((tmp_path / "pid").read_text("utf-8")))


def test_a_child_that_ignores_signals_is_killed_a_while_later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "_PATIENCE_SECONDS", 0.2)
    ready = tmp_path / "ready"
    stubborn = ["sh", "-c", f"trap '' TERM; : > '{ready}'; sleep 30; sleep 30"]
    with pytest.raises(TimeLimitError) as caught:
        Processes().run(stubborn, env=dict(os.environ), limit=2)
    assert caught.value.returncode == -signal.SIGKILL
    ready.unlink()

    processes = Processes()
    ended: list[BaseException] = []

    def work() -> None:
        try:
            processes.run(stubborn, env=dict(os.environ))
        except InterruptedRunError as error:
            ended.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    while not ready.exists():
        time.sleep(0.01)
    processes.stop()
    worker.join(20)
    assert len(ended) == 1


def ends(pid: int) -> bool:
    """Whether a process that got a signal is gone before it would have ended by itself."""
    deadline = time.monotonic() + 30
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
