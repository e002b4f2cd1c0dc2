"""Deploys in a process of their own, which is killed, or fails, at a chosen step.

A step is something that changes a file system or starts a process, as Python's audit events tell. Run as
`python -m tests.support.killed_deploys SOURCE DIR ACTION N`: ACTION is `count` (tell how many steps there are), `kill`
(SIGKILL at step N) or `fail` (an I/O error in step N).
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STEPS = frozenset({
    "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "shutil.rmtree", "subprocess.Popen",
})  # fmt: skip


class _Steps:
    """Counts steps, and does something at one of them."""

    def __init__(self, action: str, number: int) -> None:
        self.action, self.number, self.count = action, number, 0

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in _STEPS and not (event == "open" and _writes(arguments)):
            return
        self.count += 1
        if self.count != self.number:
            return
        if self.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.action == "fail":
            raise OSError(errno.EIO, os.strerror(errno.EIO), "the file")


def _writes(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def main(source: str, folder: str, action: str, number: str) -> int:
    """Deploy, disturbed or not."""
    from venvstacks.api import deployments as deployment  # noqa: PLC0415
    from venvstacks.errors import DeployError  # noqa: PLC0415

    steps = _Steps(action, int(number))
    sys.addaudithook(steps)
    try:
        deployment.deploy(source, folder, options=deployment.DeployOptions(threads=2, retry_pauses=()))
    except DeployError as error:
        sys.stdout.write(f"refused: {error}\n")
        return 6
    sys.stdout.write(f"{steps.count}\n")
    return 0


def run(source: Path | str, folder: Path, action: str, number: int = 0) -> subprocess.CompletedProcess[str]:
    """Run this module to its end, whatever that is."""
    command = [sys.executable, "-m", "tests.support.killed_deploys", str(source), str(folder), action, str(number)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
