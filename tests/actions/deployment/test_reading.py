"""Readers: other users, deployments that change meanwhile, and the names of the API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import venvstacks.deployment as public
from tests.support.killed_deploys import ROOT
from tests.support.published_layers import application, publish, runtime
from venvstacks.api import deployment_status
from venvstacks.api import deployments as deployment
from venvstacks.deployment.steps import start_installed
from venvstacks.errors import DeployError, UnreadableError

Start = Callable[..., str]


def test_the_api_exports_what_its_functions_return_and_raise() -> None:
    assert set(public.__all__) <= set(dir(public))
    assert {getattr(public, name) for name in public.__all__} == {getattr(deployment, name) for name in public.__all__}
    assert public.__all__ == deployment.__all__
    for name in ("Deployed", "Difference", "Generation", "Installed", "Status", "DeployError", "start_command"):
        assert name in public.__all__
    with pytest.raises(AttributeError, match="no attribute 'frog'"):
        public.frog  # noqa: B018


def test_the_command_line_of_an_application(first: Path, tmp_path: Path) -> None:
    public.deploy(str(first), tmp_path / "d", ["frog"])
    argv = public.start_command(tmp_path / "d", "frog", ["a b", "--x"])
    (tmp_path / "river.py").write_text("NAME = 'the wrong one'")
    variables = public.start_environment({**os.environ, "PYTHONPATH": str(tmp_path)})
    done = subprocess.run(argv, cwd=tmp_path, env=variables, check=True, capture_output=True, text=True)
    assert done.stdout == "1 1 1 a b --x\n"


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    named = replace(application("scipy_import"), name="app-scipy-import", changes={"app_launch_module": "scipy_import"})
    publish(tmp_path / "_artifacts", [runtime(), named])
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/deploying.md").read_text("utf-8"), re.DOTALL)
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-u", "-c", example]
    done = subprocess.run(command, cwd=tmp_path, env=variables, check=True, capture_output=True, text=True)
    assert done.stdout == "1 ('py', 'app-scipy-import')\n1 1 --help\n"


def changed_meanwhile(folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two changes between reading what is current and looking at its files, once."""
    trusted = start_installed.require_current
    left = [source]

    def require_current(place: object) -> public.Generation:
        found = trusted(place)  # type: ignore[arg-type]
        if left:
            deployment.deploy(str(left.pop()), folder)
            deployment.remove(folder, ["newt"])
        return found

    monkeypatch.setattr(start_installed, "require_current", require_current)
    monkeypatch.setattr(deployment_status, "require_current", require_current)


def test_exec_and_two_changes(
    first: Path, second: Path, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.deploy(str(first), tmp_path)
    changed_meanwhile(tmp_path, second, monkeypatch)
    assert start(tmp_path, "frog") == "1 1 2"


def test_status_and_two_changes(first: Path, second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.deploy(str(first), tmp_path)
    changed_meanwhile(tmp_path, second, monkeypatch)
    found = deployment.status(tmp_path, verify=True)
    assert (found.generation.number, found.differences) == (3, ())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest closes its own again and again."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


AS_ANOTHER = """
import os, sys
sys.path.insert(0, sys.argv[2])
from venvstacks.api import deployments
import venvstacks.api.deployments, venvstacks.cli.deploy_commands, venvstacks.cli.app  # while they can still be read
from venvstacks.cli.error_boundary import run_command_line
run_command_line(["status", sys.argv[1], "--verify"])
run_command_line(["status", sys.argv[1] + "/store"])  # an error: what reports it is loaded, too
os.setgroups([])
os.setgid(54321)
os.setuid(54321)
sys.exit(run_command_line(sys.argv[3:]))
"""


def as_another(folder: Path, *arguments: str | Path) -> tuple[int, str, str]:
    command = [sys.executable, "-c", AS_ANOTHER, folder, ROOT, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "TMPDIR": "/tmp"})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize("command", [["status"], ["status", "--verify"], ["exec", "frog"], ["rollback"]])
@pytest.mark.parametrize("closed", [".", "venvstacks-deployment.json", "store", "generations/1"])
def test_another_user_who_may_not_read(command: list[str], closed: str, first: Path, open_folder: Path) -> None:
    deployment.deploy(str(first), open_folder / "d", ["frog"])
    (open_folder / "d" / closed).chmod(0)
    code, out, err = as_another(open_folder / "d", command[0], open_folder / "d", *command[1:])
    if command == ["status"] and closed == "store":
        assert code == 0
        return
    assert code == 6, (out, err)
    assert "cannot be read" in err or command == ["rollback"]
    assert "defect" not in err
    assert "cannot be written" not in err or command == ["rollback"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root becomes another user")
def test_files_that_another_user_may_not_read_are_listed(first: Path, open_folder: Path) -> None:
    deployment.deploy(str(first), open_folder / "d", ["frog"])
    closed = next(open_folder.glob("d/store/*/framework-pond/postinstall.py")).resolve()
    closed.chmod(0o600)
    code, out, _ = as_another(open_folder / "d", "status", open_folder / "d", "--verify")
    assert code == 6
    assert f"unreadable  {closed.relative_to(open_folder / 'd').as_posix()}\n" in out


def test_records_that_cannot_be_read_are_not_said_to_be_unwritable(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("venvstacks.deployment.steps.generations.read_regular", refuse)
    for use in (lambda: deployment.status(tmp_path), lambda: deployment.start_command(tmp_path, "frog")):
        with pytest.raises(UnreadableError, match=r"state\.json cannot be read: Permission denied") as caught:
            use()
        assert isinstance(caught.value, DeployError)
        assert caught.value.hint
