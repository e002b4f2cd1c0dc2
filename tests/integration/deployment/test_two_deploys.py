"""Two processes that change one deployment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.installed_applications import assert_clean, printed
from tests.support.killed_deploys import ROOT
from tests.support.published_layers import application, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError


def test_deploys_at_once_follow_each_other(tmp_path: Path) -> None:
    names = ["frog", "newt", "toad"]
    publish(tmp_path / "a", [runtime(), *(application(name, text=name) for name in names)])
    command = [sys.executable, "-m", "venvstacks", "deploy", tmp_path / "a", "--to", tmp_path / "d", "--app"]
    children = [subprocess.Popen([*command, name], cwd=ROOT, stderr=subprocess.PIPE, text=True) for name in names]
    for child in children:
        _, said = child.communicate()
        assert child.returncode == 0, said
    assert {name: printed(tmp_path / "d", name) for name in names} == {name: f"{name} 1" for name in names}
    assert deployment.status(tmp_path / "d").generation.number == 3
    assert_clean(tmp_path / "d")


def test_who_will_not_wait_is_refused(old_stack: Path, tmp_path: Path) -> None:
    deployment.deploy(str(old_stack), tmp_path)
    calls: list[str] = []
    impatient = deployment.DeployOptions(wait=0, on_wait=lambda: calls.append("waiting"))
    with FileLock(tmp_path / ".lock"):
        with pytest.raises(DeployError, match="another process is changing"):
            deployment.deploy(str(old_stack), tmp_path, options=impatient)
        assert deployment.status(tmp_path).generation.number == 1, "looking is always possible"
        assert printed(tmp_path, "frog") == "old 1 1 1"
    assert calls == ["waiting"]
