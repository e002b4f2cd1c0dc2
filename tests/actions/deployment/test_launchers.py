"""Launchers in a folder of the user's: they start what is current, whatever has changed since they were written."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from tests.support.capabilities import needs_desktop_file_validate
from tests.support.published_layers import Published, application, config_text, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.deployment.desktop_entry import DesktopEntry
from venvstacks.deployment.steps.place import open_place
from venvstacks.errors import UsageError
from venvstacks.model.conventions import LAYER_CONFIG

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
    advice = "if that folder was moved, deploy again with --launchers"
    assert (done.returncode, done.stderr) == (
        127,
        f"frog is not installed in {open_place(installed).root}; {advice}\n",
    )


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
        (runtime(), replace(after, files=files, changes={"app_launch_module": "toad"})),
    )
    deployment.deploy(str(tmp_path / "b"), tmp_path / "d")
    assert output(folder / "frog") == "toad 1"
    deployment.rollback(tmp_path / "d")
    assert output(folder / "frog") == "1 1"


def shown(text: str, **desktop: object) -> tuple[Published, Published]:
    """A runtime, and an application that says how desktops show it."""
    frog = application("frog", text=text)
    config = {**json.loads(config_text(frog)), "desktop": {"name": text, **desktop}}
    return runtime(), replace(frog, files={**frog.files, LAYER_CONFIG: json.dumps(config).encode()})


def test_desktop_entries_follow_what_is_current(tmp_path: Path, root: Path, folder: Path) -> None:
    publish(tmp_path / "a", shown("old", icon="frog.png"))
    publish(tmp_path / "b", shown("new"))
    publish(tmp_path / "c", (runtime(), application("frog")))
    entry = tmp_path / "entries/frog.desktop"
    deployment.deploy(str(tmp_path / "a"), root, launchers=folder, desktop_entries=entry.parent)
    assert "Name=old\n" in entry.read_text("utf-8")
    assert "current/apps/frog/frog.png\n" in entry.read_text("utf-8")
    deployment.deploy(str(tmp_path / "b"), root)
    assert "Name=new\n" in entry.read_text("utf-8")
    deployment.deploy(str(tmp_path / "c"), root)
    assert not entry.exists()
    deployment.rollback(root)
    assert "Name=new\n" in entry.read_text("utf-8")
    deployment.deploy(str(tmp_path / "b"), root, launchers=folder)
    assert names(folder) == ["frog", "frog.desktop"]
    assert not entry.exists()
    deployment.purge(root)
    assert names(folder) == []


def test_desktop_entries_need_launchers(first: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="desktop entries need launchers"):
        deployment.deploy(str(first), tmp_path / "d", desktop_entries=tmp_path)


ODD = PurePosixPath('/my apps/50% 🐸 `$HOME` "x" \\y')
FULL = DesktopEntry("Frösche\\n", " Counts them", "lib/frog.svg", ("Science", "Math"), terminal=True)


@needs_desktop_file_validate
@pytest.mark.parametrize("entry", [FULL, DesktopEntry("Frog")], ids=["all", "name"])
@pytest.mark.parametrize("root", [ODD, PurePosixPath("/opt/frogs")], ids=["odd", "plain"])
def test_the_validator_agrees(entry: DesktopEntry, root: PurePosixPath, tmp_path: Path) -> None:
    place = tmp_path / "frog.desktop"
    place.write_text(entry.text(root, root / "frog", root / "current/apps/frog"), encoding="utf-8")
    command = [shutil.which("desktop-file-validate") or "", place]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
