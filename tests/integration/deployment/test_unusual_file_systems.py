"""Deployments on file systems that are mounted for the test, where the system allows that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.killed_deploys import ROOT
from tests.support.small_disks import run_in_mounts, run_on_small_disk

DEPLOY = [sys.executable, "-m", "venvstacks", "deploy"]
UPDATED_ABOVE = """
set -e
base=$1 old=$2 new=$3 python=$4 d=$1/merged/d
mkdir "$base/lower" "$base/upper" "$base/work" "$base/merged" "$base/lower/trial"
"$python" -m venvstacks -q deploy "$old" --to "$base/lower/d"
layers="lowerdir=$base/lower,upperdir=$base/upper,workdir=$base/work"
mount -t overlay -o "$layers,userxattr" overlay "$base/merged" || exit 91
# Not every file system can hold the upper layer.
(cd "$base/merged" && rmdir trial && mkdir trial && rmdir trial) || exit 91
"$python" -m venvstacks -q deploy "$new" --to "$d"
"$d/current/start/frog"
"$python" -m venvstacks -q rollback "$d"
"$d/current/start/frog"
"$python" -m venvstacks status --verify "$d" >&2
"$python" -m venvstacks -q remove "$d" --purge
ls -A "$base/merged"
"""


def test_nothing_is_installed_where_no_program_starts(old_stack: Path, tmp_path: Path) -> None:
    done = run_on_small_disk([*DEPLOY, old_stack, "--to", tmp_path / "d"], tmp_path, "20m,noexec", cwd=ROOT)
    assert done.returncode == 6
    assert "programs may not be started from its file system\nhint: choose another folder" in done.stderr


def test_a_deployment_in_the_lower_layer_of_an_overlay(old_stack: Path, new_stack: Path, tmp_path: Path) -> None:
    """As in containers: updated, started, rolled back, compared and removed in the upper layer."""
    done = run_in_mounts(UPDATED_ABOVE, [tmp_path, old_stack, new_stack, sys.executable], cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["new 1 2 1", "old 1 1 1"]
    left = subprocess.run([tmp_path / "lower/d/current/start/frog"], capture_output=True, text=True, check=True)
    assert left.stdout == "old 1 1 1\n"
