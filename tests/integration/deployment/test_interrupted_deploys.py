"""Deploys that are killed or fail at any step: the old application runs every time, and the next deploy completes.

`VENVSTACKS_TEST_KILLS` sets how many steps are tried; the suite tries a few.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import killed_deploys
from tests.support.installed_applications import assert_clean, printed
from venvstacks.api import deployments as deployment

KILLS = int(os.environ.get("VENVSTACKS_TEST_KILLS", "6"))
OLD, NEW = "old 1 1 1", "new 1 2 1"


@pytest.fixture(scope="module")
def steps(old_stack: Path, new_stack: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many steps the update takes."""
    folder = tmp_path_factory.mktemp("counted")
    deployment.deploy(str(old_stack), folder)
    done = killed_deploys.run(new_stack, folder, "count")
    assert done.returncode == 0, done.stderr
    assert printed(folder, "frog") == NEW
    return int(done.stdout)


def chosen(steps: int, seed: str) -> list[int]:
    """Steps at random, each stretch of the way once; all of them, and some twice, if that many are wanted."""
    chance = random.Random(seed)
    starts = [1 + (steps - 1) * part // KILLS for part in range(KILLS)]
    return [min(steps, start + chance.randrange(1 + steps // KILLS)) for start in starts]


@pytest.mark.parametrize("action", ["kill", "fail"])
def test_disturbed_deploys_change_nothing(
    action: str, steps: int, old_stack: Path, new_stack: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    deployment.deploy(str(old_stack), folder)
    for number in chosen(steps, action):
        done = killed_deploys.run(new_stack, folder, action, number)
        # an error in a step that has another way (copying instead of linking) is no failure
        assert done.returncode in {"kill": {-signal.SIGKILL}, "fail": {0, 6}}[action], (number, done.stderr)
        state = deployment.status(folder).generation
        assert printed(folder, "frog") == (OLD if state.source == str(old_stack) else NEW), number
        assert done.returncode != 0 or state.source == str(new_stack)
        if state.source == str(new_stack):  # it was after the switch: what is left is cleaning up
            shutil.rmtree(folder)
            deployment.deploy(str(old_stack), folder)
    deployment.deploy(str(new_stack), folder)
    assert printed(folder, "frog") == NEW
    assert_clean(folder)
    deployment.rollback(folder)
    assert printed(folder, "frog") == OLD


def test_killed_at_any_time(old_stack: Path, new_stack: Path, tmp_path: Path) -> None:
    """By the clock this time, with the children that were started still at work."""
    deployment.deploy(str(old_stack), tmp_path)
    chance = random.Random(5)
    code = (
        "import sys\nfrom venvstacks import deployment\n"
        "print('ready', flush=True)\ndeployment.deploy(sys.argv[1], sys.argv[2])\n"
    )
    for _ in range(max(2, KILLS // 2)):
        command = [sys.executable, "-c", code, new_stack, tmp_path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.0, 0.6))
            child.kill()
        current = deployment.status(tmp_path).generation
        assert printed(tmp_path, "frog") == (NEW if current.source == str(new_stack) else OLD)
    deployment.deploy(str(new_stack), tmp_path)
    assert printed(tmp_path, "frog") == NEW
    assert_clean(tmp_path)


def test_a_first_deploy_that_is_killed_leaves_nothing_in_the_way(old_stack: Path, tmp_path: Path) -> None:
    for number in (1, 5, 20, 60):
        assert killed_deploys.run(old_stack, tmp_path / "d", "kill", number).returncode == -signal.SIGKILL
    deployment.deploy(str(old_stack), tmp_path / "d")
    assert printed(tmp_path / "d", "frog") == OLD
    assert_clean(tmp_path / "d")
