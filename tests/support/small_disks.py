"""Disks that are really full: a small file system of one's own, where the system lets one be mounted."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest


def run_on_small_disk(
    command: Sequence[str | Path], place: Path, size: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command for which the folder `place` is a file system of `size` (as mount(8) takes it).

    The test is skipped where that is not possible.
    """
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f'mount -t tmpfs -o size={size} tmpfs "$1"'
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, mount, "sh", place], check=False, capture_output=True).returncode
    ):
        pytest.skip("a small file system cannot be mounted here")
    script = f'{mount} && shift && exec "$@"'
    return subprocess.run(
        [*unshare, script, "sh", place, *command], cwd=cwd, check=False, capture_output=True, text=True
    )


def run_in_mounts(
    script: str, arguments: Sequence[str | Path], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a shell script that may mount file systems, which only it sees; it ends with 91 where it may not.

    The test is skipped where that is not possible.
    """
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if shutil.which("unshare") is None:
        pytest.skip("nothing can be mounted here")
    done = subprocess.run([*unshare, *arguments], cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode == 91 or "unshare failed" in done.stderr:
        pytest.skip("nothing can be mounted here")
    return done
