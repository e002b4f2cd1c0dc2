"""Disks that are really full in the middle of a deploy."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.support.killed_deploys import ROOT
from tests.support.small_disks import run_on_small_disk

SIZES = int(os.environ.get("VENVSTACKS_TEST_DISKS", "4"))

CHILD = """
import os, shutil, sys
from pathlib import Path
from tests.support.installed_applications import assert_clean, printed
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError

old, new, root, count = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
folder = root / "d"
deployment.deploy(old, folder)
trusting = shutil.disk_usage
shutil.disk_usage = lambda place: type("Usage", (), {"free": 1 << 40, "total": 1 << 40})
full = 0
for number in range(count):
    space = 4096 + number * 300_000 // count
    filler = root / "filler"
    with filler.open("wb") as stream:
        free = os.statvfs(root)
        stream.write(bytes(max(0, free.f_bavail * free.f_frsize - space)))
    try:
        deployment.deploy(new, folder)
    except DeployError as error:
        full += 1
        assert "No space left on device" in str(error), error
        assert printed(folder, "frog") == "old 1 1 1"
        assert deployment.status(folder, verify=True).differences == ()
        filler.unlink()
    else:
        filler.unlink()
        assert printed(folder, "frog") == "new 1 2 1"
        deployment.rollback(folder)
        deployment.collect(folder)
assert full > count // 2, full
shutil.disk_usage = trusting
deployment.deploy(new, folder)
assert printed(folder, "frog") == "new 1 2 1"
assert_clean(folder)
print("all is well")
"""


def test_a_full_disk_changes_nothing(old_stack: Path, new_stack: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-c", CHILD, old_stack, new_stack, tmp_path, str(SIZES)]
    done = run_on_small_disk(command, tmp_path, "48m", cwd=ROOT)
    assert done.stdout == "all is well\n", done.stderr
