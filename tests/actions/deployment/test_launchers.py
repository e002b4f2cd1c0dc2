"""Launchers in a folder of the user's: they start what is current, whatever has changed since they were written."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.published_layers import application, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.deployment.steps.place import open_place
from venvstacks.errors import UsageError

SHELLS = [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / 'it\'s 50% 🐸 "land" $HOME'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "my programs"


@pytest.fixture
def installed(first: Path, root: Path, folder: Path) -> Path:
    deployment.deploy(str(first), root, launchers=folder)
    return root


def names(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())


def output(launcher: Path, *arguments: str, cwd: Path | None = None, **variables: str) -> str:
    environment = {"PATH": "/usr/bin:/bin", **variables}
    done = subprocess.run([launcher, *arguments], check=True, capture_output=True, text=True, cwd=cwd, env=environment)
    return done.stdout.rstrip("\n")


def test_launchers_start_what_is_current(installed: Path, folder: Path, second: Path, tmp_path: Path) -> None:
    assert names(folder) == ["frog", "newt"]
    text = (folder / "frog").read_bytes()
    assert output(folder / "frog", "a b", '"c"', "$d", "") == '1 1 1 a b "c" $d '
    deployment.deploy(str(second), installed)
    assert output(folder / "frog") == "1 1 2"
    deployment.rollback(installed)
    assert output(folder / "frog") == "1 1 1"
    assert (folder / "frog").read_bytes() == text, "a launcher never changes"
    (tmp_path / "link").symlink_to(folder / "newt")
    (tmp_path / "river.py").write_text("NAME = 'another'")
    assert output(tmp_path / "link", cwd=tmp_path, PYTHONHOME="/nowhere") == "1 1 1 1"


@pytest.mark.parametrize("shell", SHELLS)
def test_shells(shell: str, installed: Path, folder: Path) -> None:
    command = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else []), folder / "frog", "x"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "1 1 1 x\n"
    start = installed / "current/start/frog"
    relative = subprocess.run(["./frog"], cwd=start.parent, check=True, capture_output=True, text=True)
    assert relative.stdout == "1 1 1\n"


def test_a_launcher_goes_and_comes_with_its_application(installed: Path, folder: Path) -> None:
    deployment.remove(installed, ["frog"])
    assert names(folder) == ["newt"]
    deployment.rollback(installed)
    assert names(folder) == ["frog", "newt"]
    deployment.purge(installed)
    assert names(folder) == []


def test_launchers_can_be_moved(installed: Path, first: Path, folder: Path, tmp_path: Path) -> None:
    assert not deployment.deploy(str(first), installed, launchers=tmp_path / "elsewhere").changed
    assert names(folder) == []
    assert output(tmp_path / "elsewhere/frog") == "1 1 1"


def test_files_of_others_are_neither_replaced_nor_removed(first: Path, root: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "frog").write_text("mine")
    with pytest.raises(UsageError, match="frog is there already, and is no launcher"):
        deployment.deploy(str(first), root, launchers=folder)
    assert deployment.current_number(root) is None
    deployment.deploy(str(first), root, ["newt"], launchers=folder)
    assert names(folder) == ["frog", "newt"]
    (folder / "newt").write_text("mine")
    warnings: list[str] = []
    deployment.remove(root, ["newt"], deployment.DeployOptions(warn=warnings.append))
    assert [(folder / name).read_text() for name in ("frog", "newt")] == ["mine", "mine"]


def test_generations_of_earlier_versions_get_launchers_too(first: Path, second: Path, root: Path, folder: Path) -> None:
    deployment.deploy(str(first), root, ["frog"])
    shutil.rmtree(root / "current/start")
    assert deployment.status(root, verify=True).differences == ()
    deployment.deploy(str(second), root, launchers=folder)
    deployment.rollback(root)
    assert output(folder / "frog") == "1 1 1"


def test_launchers_that_were_changed_are_damage(installed: Path, first: Path, folder: Path) -> None:
    start = installed / "current/start"
    with (start / "frog").open("a") as stream:
        stream.write("# more\n")
    (start / "newt").unlink()
    (start / "toad").touch()
    found = deployment.status(installed, verify=True).differences or ()
    assert [(one.path, one.kind) for one in found] == [
        ("generations/1/start/frog", "changed"),
        ("generations/1/start/newt", "missing"),
        ("generations/1/start/toad", "foreign"),
    ]
    assert deployment.deploy(str(first), installed, repair=True).changed
    assert deployment.status(installed, verify=True).differences == ()
    assert output(folder / "newt") == "1 1 1 1"


def test_what_cannot_be_written_does_not_stop_a_change(installed: Path, folder: Path, second: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()
    warnings: list[str] = []
    options = deployment.DeployOptions(warn=warnings.append)
    assert deployment.deploy(str(second), installed, options=options).changed
    assert len(warnings) == 2
    assert all("the next change tries again" in line for line in warnings)
    folder.unlink()
    deployment.rollback(installed, options=options)
    assert output(folder / "frog") == "1 1 1"


def test_an_application_that_is_gone_is_named(installed: Path, folder: Path) -> None:
    (installed / "current").unlink()
    done = subprocess.run([folder / "frog"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (127, f"frog is not installed in {open_place(installed).root}\n")


def test_module_and_python_change_with_the_generation(tmp_path: Path, folder: Path) -> None:
    before = application("frog")
    publish(tmp_path / "a", (runtime(), before))
    deployment.deploy(str(tmp_path / "a"), tmp_path / "d", launchers=folder)
    module = next(path for path in before.files if path.endswith("/frog.py"))
    content = before.files[module].replace(b"'1'", b"'toad'")
    after = application("frog")
    files = {**after.files, module.replace("frog.py", "toad.py"): content}
    publish(
        tmp_path / "b",
        (runtime(), type(after)(after.name, files, after.links, after.runtime, changes={"app_launch_module": "toad"})),
    )
    deployment.deploy(str(tmp_path / "b"), tmp_path / "d")
    assert output(folder / "frog") == "toad 1"
    deployment.rollback(tmp_path / "d")
    assert output(folder / "frog") == "1 1"
