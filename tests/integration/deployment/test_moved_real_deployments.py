"""Deployments of real layers in another place than where they were made: moved, copied, mounted for reading only."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.killed_deploys import ROOT
from tests.support.sample_stack import Pond
from tests.support.small_disks import run_in_mounts
from venvstacks.api import deployments as deployment

SAYS = {"legs": 4, "lily": "1.0", "args": ["a b"], "says": "🐸🦎"}
MOUNTED = """
set -e
mkdir "$1/image" "$1/mounted"
mv "$2" "$1/image/d"
mount --bind "$1/image" "$1/mounted" && mount -o remount,bind,ro "$1/mounted" || exit 91
mount -t tmpfs none "$1/image"
"$1/mounted/d/current/start/newt" "a b"
"$3" -m venvstacks exec "$1/mounted/d" newt -- "a b"
"$3" -m venvstacks status "$1/mounted/d" >&2
"""


@pytest.fixture(scope="module")
def original(published_pond: Pond, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "d"
    deployment.deploy(str(published_pond.base / "_artifacts"), folder, ["newt"])
    return folder


def started(folder: Path, cwd: Path) -> object:
    command = [folder / "current/start/newt", "a b"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def named_folders(deployed: Path) -> set[str]:
    texts = [file.read_text("utf-8") for file in deployed.glob("store/*/*/pyvenv.cfg")]
    return {line.partition(" = ")[2].partition("/store/")[0] for text in texts for line in text.splitlines()[:1]}


@pytest.fixture
def copied(original: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy; the original is not where it was made as long as the test runs."""
    hidden = original.rename(original.with_name("hidden"))
    yield Path(shutil.copytree(hidden, tmp_path / "a copy, 別の場所", symlinks=True))
    hidden.rename(original)


def test_the_launcher_of_a_moved_deployment(copied: Path, tmp_path: Path) -> None:
    """The first start in the new place runs nothing of the old one, which is gone, and mends all layers."""
    assert started(copied, tmp_path) == SAYS
    assert named_folders(copied) == {str(copied)}
    assert deployment.status(copied, verify=True).differences == ()
    moved = copied.rename(tmp_path / "it's moved")
    (tmp_path / "link").symlink_to(moved / "current/start/newt")
    linked = subprocess.run([tmp_path / "link", "a b"], capture_output=True, check=True)
    assert json.loads(linked.stdout) == SAYS
    assert named_folders(moved) == {str(moved)}


def test_a_deployment_that_is_mounted_in_another_place(copied: Path, tmp_path: Path) -> None:
    """As an image that was made elsewhere: nothing can be written, and the place where it was made is gone."""
    done = run_in_mounts(MOUNTED, [tmp_path, copied, sys.executable], cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [SAYS, SAYS]
