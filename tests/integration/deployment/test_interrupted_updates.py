"""Updates by deltas on disks that fill up, and in processes that are killed: the old state or the new one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.support.delta_publications import chain, compiled_stack
from tests.support.killed_deploys import ROOT
from tests.support.killed_updates import disturbed_updates
from tests.support.small_disks import run_on_small_disk

KILLS = int(os.environ.get("VENVSTACKS_TEST_KILLS", "12"))
SIZES = int(os.environ.get("VENVSTACKS_TEST_DISKS", "2"))


def test_disturbed_updates_change_nothing_or_everything(tmp_path: Path) -> None:
    done = [*disturbed_updates(tmp_path, KILLS, seed=1, verify_each=False)]
    assert len(done) == KILLS
    assert {line.rpartition(" ")[2] for line in done} == {"old", "new"}


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
for number in range(count):
    space = 4096 + number * 120_000 // count
    filler = root / "filler"
    with filler.open("wb") as stream:
        free = os.statvfs(root)
        stream.write(bytes(max(0, free.f_bavail * free.f_frsize - space)))
    try:
        deployment.deploy(new, folder)
    except DeployError as error:
        assert "No space left on device" in str(error), error
    else:
        raise AssertionError("there was space")
    assert printed(folder, "frog") == "one one 1"
    assert deployment.status(folder, verify=True).differences == ()
    filler.unlink()
shutil.disk_usage = trusting
done = deployment.deploy(new, folder)
assert set(done.updated) == {"framework-pond", "app-frog"}, done
assert printed(folder, "frog") == "two two 1"
assert_clean(folder)
print("all is well")
"""


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    places = chain(tmp_path, ["one", "two"], compiled_stack)
    command = [sys.executable, "-B", "-c", CHILD, *places, tmp_path / "disk", str(SIZES)]
    done = run_on_small_disk(command, tmp_path / "disk", "48m", cwd=ROOT)
    assert done.stdout == "all is well\n", done.stderr
