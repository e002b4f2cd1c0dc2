"""Starting what is installed: moved deployments, and damaged ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from venvstacks._injected import postinstall
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError

Start = Callable[..., str]


@pytest.fixture
def installed(first: Path, tmp_path: Path) -> Path:
    deployment.deploy(str(first), tmp_path / "d", ["newt"])
    return tmp_path / "d"


def test_a_deployment_that_was_moved(installed: Path, tmp_path: Path, start: Start) -> None:
    moved = installed.rename(tmp_path / "another place, 別の場所")
    assert start(moved, "newt", "x") == "1 1 1 1 x"
    assert deployment.status(moved, verify=True).differences == ()


def test_a_moved_deployment_that_cannot_be_written_to(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = installed.rename(tmp_path / "moved")

    def refuse(folder: Path) -> list[Path]:
        raise postinstall.PostInstallError(f"cannot write {folder}: Read-only file system")

    monkeypatch.setattr(postinstall, "write_generated_files", refuse)
    with pytest.raises(DeployError, match=r"'newt' cannot be started: cannot write .*Read-only") as caught:
        deployment.execute(moved, "newt")
    assert caught.value.hint
    assert caught.value.hint.startswith("if the deployment was moved, start it once as somebody who may write there")


@pytest.mark.parametrize("program", ["app-newt/bin/python", "py/bin/python3.11"])
@pytest.mark.parametrize("spoil", [Path.unlink, lambda place: place.chmod(0o644)])
def test_a_python_that_cannot_be_started(program: str, spoil: Callable[[Path], None], installed: Path) -> None:
    spoil(next(iter(installed.glob(f"store/*/{program}"))).resolve())
    with pytest.raises(DeployError, match=r"'newt' cannot be started: .* is missing or not executable") as caught:
        deployment.execute(installed, "newt")
    assert caught.value.exit_code == 6
    assert caught.value.hint
    assert "--repair" in caught.value.hint
