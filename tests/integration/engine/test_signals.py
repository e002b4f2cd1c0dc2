"""Runs that are interrupted or killed, in real processes with real children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.tiny_graphs import CHAIN, Bench
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")

ROOT = Path(__file__).parents[3]

Start = Callable[[Bench, str], subprocess.Popen[str]]

RUN = """
import os, signal, sys, threading, time
from pathlib import Path
from tests.support.tiny_graphs import Bench
from venvstacks.cli import error_boundary as boundary
from venvstacks.tools.process import Processes

base, mode = Path(sys.argv[1]), sys.argv[2]
processes = Processes()
bench = Bench(base, Path(base, "graph").read_text())

def child(node):
    ignore = "trap '' TERM;" if mode == "stubborn" else ""
    processes.run(["sh", "-c", f"{ignore} echo $$ > {base}/pid; sleep 60 & wait; sleep 60"], env=dict(os.environ))

def compute(node):
    (base / "pid").write_text(str(os.getpid()))
    time.sleep(60)

def unnoticed(node):
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    child(node)

if mode != "plain":
    bench.special["b"] = {"compute": compute, "unnoticed": unnoticed}.get(mode, child)
bench.on_wait = lambda: print("waiting", flush=True)
def stop(signum):
    os.write(1, b"stopping\\n")
    processes.stop(signum)

def command(*arguments):
    bench.run(on_interrupt=stop, jobs=2)
    return 0
boundary._run = command
code = boundary.run_command_line([])
print(" ".join(bench.ran), flush=True)
sys.exit(code)
"""


@pytest.fixture
def start() -> Iterator[Start]:
    begun: list[subprocess.Popen[str]] = []

    def start_run(bench: Bench, mode: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", RUN, str(bench.base), mode]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
        begun.append(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))
        return begun[-1]

    yield start_run
    for run in begun:
        if run.poll() is None:
            run.kill()
            run.communicate()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.write(s="x", graph=CHAIN)
    return made


def started_pid(bench: Bench) -> int:
    file = bench.base / "pid"
    wait_until(lambda: file.exists() and file.read_text().strip())
    return int(file.read_text())


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_children_and_keeps_what_is_done(start: Start, bench: Bench, signum: int, code: int) -> None:
    run = start(bench, "child")
    child = started_pid(bench)
    run.send_signal(signum)
    _, said = run.communicate(timeout=40)
    assert run.returncode == code
    assert "error: interrupted" in said
    assert "hint: run the same command again" in said
    assert "Traceback" not in said
    wait_until(lambda: is_gone(child), 40)  # by itself, it would end later
    assert bench.run() == ["b", "c"]


def test_a_signal_that_does_not_wake_the_main_thread_is_handled(start: Start, bench: Bench) -> None:
    """As one that comes in the moment before that thread begins to wait for a result: Python only makes a note of it.

    Here that note is made in another thread.
    """
    run = start(bench, "unnoticed")
    _, said = run.communicate(timeout=40)
    assert run.returncode == 143
    assert "error: interrupted" in said


@pytest.mark.parametrize("mode", ["stubborn", "compute"])
def test_the_second_signal_waits_for_nothing(start: Start, bench: Bench, mode: str) -> None:
    run = start(bench, mode)
    child = started_pid(bench)
    run.send_signal(signal.SIGINT)
    assert run.stdout is not None
    assert run.stdout.readline() == "stopping\n", "two signals that nobody has handled are one"
    time.sleep(0.3)
    assert run.poll() is None, "the first signal lets the task end"
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=40)
    assert run.returncode == 130
    assert "Traceback" not in said
    wait_until(lambda: is_gone(child), 40)  # by itself, it would end later
    assert bench.run() == ["b", "c"]


def test_what_was_done_before_a_kill_is_not_done_again(start: Start, bench: Bench) -> None:
    run = start(bench, "compute")
    started_pid(bench)
    run.kill()
    run.communicate(timeout=40)
    assert bench.run() == ["b", "c"]


def test_a_rerun_that_was_killed_is_noticed_even_if_its_cause_is_gone(start: Start, bench: Bench) -> None:
    bench.run()
    bench.write(a_out="tampered")
    run = start(bench, "compute")
    started_pid(bench)
    run.kill()
    run.communicate(timeout=40)
    bench.write(a_out="x")
    assert bench.plan()["b"].status == "run"
    assert bench.run() == ["b"]
    assert bench.reasons("b") == ["interrupted"]


def test_the_second_of_two_runs_waits_and_finds_everything_done(start: Start, bench: Bench) -> None:
    bench.special["b"] = lambda node: (time.sleep(1.5), bench.do(node))[0]
    engine_run = bench.engine_run()
    engine_run.lock.acquire()
    other = start(bench, "plain")
    assert other.stdout is not None
    assert other.stdout.readline() == "waiting\n"
    engine_run.lock.release()
    output, _ = other.communicate(timeout=40)
    assert (other.returncode, output.split()) == (0, ["a", "b", "c"])
    bench.special.clear()
    assert bench.run() == []
