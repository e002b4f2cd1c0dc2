"""`watch`: what changes is built again, and the application started again, until Ctrl-C."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.offline_stacks import has_python, run, write_stack

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")]
PROGRAM = "import alpha, time\nprint('{text}', alpha.__version__, flush=True)\ntime.sleep(100)\n"


class Watched:
    """A running `watch`, and the lines that it and its application print."""

    def __init__(self, folder: Path) -> None:
        argv = [sys.executable, "-m", "venvstacks", "watch", "hello"]
        self.process = subprocess.Popen(
            argv, cwd=folder, text=True, encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.seen: list[str] = []

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))

    def wait_for(self, text: str) -> None:
        while not self.seen or text not in self.seen[-1]:
            self.seen.append(self._lines.get(timeout=60))

    def join(self) -> None:
        """Wait until nobody can print any more: then the application has ended, too."""
        self._reader.join(30)
        assert not self._reader.is_alive()

    def interrupt(self, signum: int) -> int:
        self.process.send_signal(signum)
        return self.process.wait(30)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    write_stack(tmp_path)
    (tmp_path / "hello.py").write_text(PROGRAM.format(text="one"), "utf-8")
    built = run("venvstacks", "build", "--no-index", "--local-wheels", "wheels", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    watched = Watched(tmp_path)
    yield watched
    if watched.process.poll() is None:
        watched.process.kill()
        watched.process.wait()
    watched.join()


def test_a_change_starts_the_application_again(watched: Watched, tmp_path: Path) -> None:
    watched.wait_for("one 1.0")
    (tmp_path / "hello.py").write_text(PROGRAM.format(text="two"), "utf-8")
    watched.wait_for("two 1.0")
    (tmp_path / "venvstacks.toml").write_text("[[runtimes", "utf-8")
    watched.wait_for("error: the stack specification venvstacks.toml")
    write_stack(tmp_path)  # mended
    watched.wait_for("🐸 1.0")
    watched.wait_for("hello has ended with 0; the next change starts it again")
    assert watched.interrupt(signal.SIGINT) == 0


def test_the_application_ends_with_it(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(
        "import os\nprint('pid', os.getpid(), flush=True)\nimport time; time.sleep(100)\n", "utf-8"
    )
    watched.wait_for("pid")
    pid = int(watched.seen[-1].split()[1])
    assert watched.interrupt(signal.SIGTERM) == 143
    assert not Path(f"/proc/{pid}").exists()
