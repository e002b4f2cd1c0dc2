"""Ctrl-C and SIGTERM during the commands about deployments: how soon they end, how, and what they print."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.folder_server import serving_folder
from tests.support.killed_deploys import ROOT
from tests.support.published_layers import application, publish, runtime
from tests.support.waiting import ended_with_block, wait_until
from venvstacks.api import deployments as deployment

SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)

SOON = 10
"""Seconds; the limit is two on a machine that does nothing else."""


@pytest.fixture
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """Takes connections, and never sends anything."""
    asked = threading.Event()
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    kept.append(listening.accept()[0])
                except OSError:
                    return
                asked.set()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
    for one in kept:
        one.close()


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "venvstacks", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def end(child: subprocess.Popen[str], number: int) -> tuple[int, str, float]:
    begun = time.monotonic()
    with ended_with_block(child):
        child.send_signal(number)
        _, said = child.communicate(timeout=60)
    return child.returncode, said, time.monotonic() - begun


@SIGNALS
def test_a_server_that_sends_nothing(
    number: int, code: int, silent_server: tuple[str, threading.Event], old_stack: Path, tmp_path: Path
) -> None:
    url, asked = silent_server
    deployment.deploy(str(old_stack), tmp_path / "d")
    child = start("deploy", url, "--to", tmp_path / "d")
    assert asked.wait(60)
    status, said, seconds = end(child, number)
    assert (status, said) == (code, "error: interrupted: what was current still is: generation 1\n")
    assert seconds < SOON


@SIGNALS
def test_a_server_that_stops_in_the_middle_of_an_archive(
    number: int, code: int, old_stack: Path, tmp_path: Path
) -> None:
    """The transfers are in threads of their own, which no signal interrupts."""
    with serving_folder(old_stack) as web:
        web.slow = {path.name for path in old_stack.glob("*.tar.zst")}
        child = start("deploy", web.url, "--to", tmp_path / "d")
        wait_until(lambda: any(path.endswith(".tar.zst") for path, _ in web.asked))
        status, said, seconds = end(child, number)
    assert (status, said) == (code, "error: interrupted: nothing is installed yet\n")
    assert seconds < SOON


@SIGNALS
@pytest.mark.parametrize("command", ["rollback", "collect", "remove"])
def test_other_commands_that_wait(number: int, code: int, command: str, old_stack: Path, tmp_path: Path) -> None:
    deployment.deploy(str(old_stack), tmp_path / "d")
    with FileLock(tmp_path / "d/.lock"):
        more = ["--app", "frog"] if command == "remove" else []
        child = start(command, tmp_path / "d", *more)
        assert child.stderr is not None
        assert "waiting" in child.stderr.readline()
        status, said, seconds = end(child, number)
    assert (status, said) == (code, "error: interrupted: what was current still is: generation 1\n")
    assert seconds < SOON


@SIGNALS
def test_a_post_install_that_ignores_signals(number: int, code: int, old_stack: Path, tmp_path: Path) -> None:
    base = runtime(text="stubborn")
    script = b'#!/bin/sh\ntrap \'\' TERM INT\n: > "$(dirname "$0")/started"\nwhile :; do sleep 0.2; done\n'
    publish(tmp_path / "a", [replace(base, files={**base.files, "bin/python3.11": script}), application("frog")])
    deployment.deploy(str(old_stack), tmp_path / "d")
    child = start("deploy", tmp_path / "a", "--to", tmp_path / "d")
    wait_until(lambda: [*tmp_path.glob("d/store/*/py/bin/started")])
    status, said, seconds = end(child, number)
    assert (status, said) == (code, "error: interrupted: what was current still is: generation 1\n")
    assert seconds < SOON
    wait_until(lambda: not any(str(tmp_path) in _command_line(place) for place in Path("/proc").glob("[0-9]*")))


UNNOTICED = """
import pathlib, signal, sys, threading, time
from venvstacks.cli.error_boundary import run_command_line

def send():
    while not [*pathlib.Path(sys.argv[4]).glob("store/*/py/bin/started")]:
        time.sleep(0.01)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=send, daemon=True).start()
sys.exit(run_command_line(sys.argv[1:]))
"""


def test_a_signal_that_does_not_wake_the_main_thread(old_stack: Path, tmp_path: Path) -> None:
    """As one that comes in the moment before that thread begins to wait: Python only makes a note of it."""
    base = runtime(text="slow")
    script = b'#!/bin/sh\n: > "$(dirname "$0")/started"\nexec sleep 60\n'
    publish(tmp_path / "a", [replace(base, files={**base.files, "bin/python3.11": script}), application("frog")])
    deployment.deploy(str(old_stack), tmp_path / "d")
    command = [sys.executable, "-c", UNNOTICED, "deploy", tmp_path / "a", "--to", tmp_path / "d"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr) == (143, "error: interrupted: what was current still is: generation 1\n")


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


@SIGNALS
def test_a_status_that_is_interrupted(number: int, code: int, old_stack: Path, tmp_path: Path) -> None:
    """The parser makes a return value of Ctrl-C, and of SIGTERM too, which has a code of its own."""
    deployment.deploy(str(old_stack), tmp_path / "d")
    marker = tmp_path / "d/venvstacks-deployment.json"
    program = (
        "import sys, time\nfrom venvstacks.api import deployment_status\n"
        "def waiting(*_, **__):\n    print('there', flush=True)\n    time.sleep(60)\n"
        "deployment_status.status = waiting\n"
        "from venvstacks.cli.error_boundary import run_command_line\nsys.exit(run_command_line(sys.argv[1:]))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, "status", marker.parent],
        cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "there\n"
    assert end(child, number)[:2] == (code, "error: interrupted\n")
