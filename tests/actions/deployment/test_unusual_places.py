"""Folders and file systems on which no deployment can be: refused by name before anything is fetched or changed."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.capabilities import needs_name
from tests.support.published_layers import application, framework, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.errors import DamagedRecordError, DeployError, UsageError, VenvstacksError
from venvstacks.model.conventions import LAYER_CONFIG, METADATA_DIR, STATE_FOLDER

FAILURES = [errno.EPERM, errno.ENOSYS]  # of the kernel's vfat, and of exFAT


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("new\nline", "line break", marks=needs_name("new\nline")),
        pytest.param("return\r", "line break", marks=needs_name("return\r")),
        pytest.param("caf\udce9", "not UTF-8", marks=needs_name("caf\udce9")),
    ],
)
@pytest.mark.parametrize("do", [deployment.deploy, deployment.check])
def test_a_name_with_which_no_python_starts(
    name: str, says: str, do: Callable[[str, Path], object], first: Path, tmp_path: Path
) -> None:
    with pytest.raises(DeployError, match=says):
        do(str(first), tmp_path / name / "d")
    assert [*tmp_path.iterdir()] == []


@needs_name("a:b")
def test_a_name_that_splits_lists_of_folders(first: Path, tmp_path: Path) -> None:
    """Only layers with a wrapper put their folder into `LD_LIBRARY_PATH`."""
    pond = framework("pond")
    wrapped = replace(pond, files={**pond.files, "libexec/python3.11": b""})
    publish(tmp_path / "a", [runtime(), wrapped, application("frog", uses=("pond",))])
    with pytest.raises(DeployError, match="with ':' or ';' in its name") as caught:
        deployment.deploy(str(tmp_path / "a"), tmp_path / "a:b")
    assert caught.value.hint == "deploy into a folder with another name"
    assert not (tmp_path / "a:b").exists()
    assert deployment.deploy(str(first), tmp_path / "a:b").changed


@pytest.mark.parametrize("failure", FAILURES)
def test_a_file_system_without_links(
    failure: int, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(failure, os.strerror(failure))

    monkeypatch.setattr(os, "symlink", refuse)
    with pytest.raises(DeployError, match="its file system has no links to folders") as caught:
        deployment.deploy(str(first), tmp_path)
    assert caught.value.hint
    assert "another file system" in caught.value.hint
    assert [*tmp_path.iterdir()] == []


def test_a_file_system_that_contains_links(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As sshfs by default: it makes links with `..`, and then does not follow them."""
    stat = Path.stat

    def refuse(path: Path, **options: Any) -> os.stat_result:
        if os.path.islink(path) and os.readlink(path).startswith(".."):  # noqa: PTH114, PTH115 - which call no `stat`
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(DeployError, match=r"does not follow links with '\.\.'") as caught:
        deployment.deploy(str(first), tmp_path)
    assert "no_contain_symlinks" in (caught.value.hint or "")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("failure", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(
    failure: int, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS without its lock service; it may also end later."""
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(failure, os.strerror(failure))

    deployment.deploy(str(first), tmp_path / "before", ["frog"])
    monkeypatch.setattr(fcntl, "flock", refuse)
    for do in (lambda: deployment.deploy(str(first), tmp_path / "d"), lambda: deployment.collect(tmp_path / "before")):
        with pytest.raises(DeployError, match="cannot be locked: its file system has no locks") as caught:
            do()
        assert "local_lock=flock" in (caught.value.hint or "")
    assert not (tmp_path / "d").exists()


def refuse_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imitate a file system that is mounted with `noexec`."""
    access = os.access

    def answer(path: Any, mode: int, **options: Any) -> bool:
        below = str(path).startswith(str(folder))
        return access(path, mode, **options) and not (below and mode & os.X_OK and Path(path).is_file())

    monkeypatch.setattr(os, "access", answer)


def test_a_file_system_from_which_no_program_starts(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_programs(tmp_path, monkeypatch)
    with pytest.raises(DeployError, match="programs may not be started"):
        deployment.deploy(str(first), tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_a_file_system_with_modes_of_its_own(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chmod = Path.chmod

    def refuse(path: Path, mode: int, **options: Any) -> None:
        if path.is_file():
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        chmod(path, mode, **options)

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(DeployError, match="programs may not be started"):
        deployment.deploy(str(first), tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_launchers_that_could_not_be_started(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_programs(tmp_path / "bin", monkeypatch)
    with pytest.raises(UsageError, match=r"launchers in .*bin could not be started"):
        deployment.deploy(str(first), tmp_path / "d", launchers=tmp_path / "bin")
    assert not (tmp_path / "bin").exists()


def test_a_name_of_a_source_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="cannot be read: File name too long"):
        deployment.deploy("x" * 300, tmp_path / "d")


def test_a_name_of_a_deployment_that_is_too_long(first: Path, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="File name too long") as caught:
        deployment.deploy(str(first), tmp_path / ("x" * 300))
    assert caught.value.hint == "choose a folder with a shorter path"


def test_the_home_of_a_user_who_does_not_exist(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"there is no folder .*~nobody-of-that-name"):
        deployment.deploy("~nobody-of-that-name/x", tmp_path / "d")
    deployment.deploy(str(first), tmp_path / "d", ["frog"], launchers="~nobody-of-that-name")
    assert (tmp_path / "~nobody-of-that-name/frog").is_file()


def test_a_store_on_another_file_system_is_named(
    first: Path, second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.deploy(str(first), tmp_path)
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if target.parent.name == "store":
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path), None, str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(DeployError, match=r"store/.* cannot be written") as caught:
        deployment.deploy(str(second), tmp_path)
    assert caught.value.hint
    assert "on different file systems" in caught.value.hint


def test_a_copy_that_follows_links_can_be_purged(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path / "d", ["frog"])
    shutil.copytree(tmp_path / "d", tmp_path / "copy")
    assert deployment.purge(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_copy_without_links_names_what_is_kept(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    (tmp_path / "current").unlink()
    with pytest.raises(DamagedRecordError, match="current is missing") as caught:
        deployment.status(tmp_path)
    assert caught.value.hint
    assert "--generation 1" in caught.value.hint
    assert deployment.rollback(tmp_path, 1).number == 1


def open_to_all(folder: Path) -> None:
    for parent, _, files in os.walk(folder):
        for place in (Path(parent), *(Path(parent, name) for name in files)):
            if not place.is_symlink():
                place.chmod(0o777)


def test_modes_that_are_those_of_the_mount(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is reported or repaired that nobody can change, and the first deploy warns once."""
    fstat = os.fstat

    def answer(descriptor: int) -> os.stat_result:
        values = list(fstat(descriptor))
        values[0] |= 0o777
        return os.stat_result(values)

    warnings: list[str] = []
    options = deployment.DeployOptions(warn=warnings.append)
    with monkeypatch.context() as mounted:
        mounted.setattr(os, "fstat", answer)
        deployment.deploy(str(first), tmp_path, ["frog"], options)
        open_to_all(tmp_path)
        assert deployment.status(tmp_path, verify=True).differences == ()
        assert deployment.deploy(str(first), tmp_path, ["frog"], options, repair=True).fetched == ()
    assert [line for line in warnings if "modes of its mount" in line] == warnings
    assert len(warnings) == 1
    open_to_all(tmp_path)
    found = deployment.status(tmp_path, verify=True).differences
    assert found
    assert {one.kind for one in found} == {"writable"}


def test_a_file_system_without_a_limit_is_not_full(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as ramfs, and tmpfs with `size=0`: both report no blocks at all."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0, "total": 0}))
    assert deployment.deploy(str(first), tmp_path, ["frog"]).changed


def test_what_a_killed_trial_has_left_is_purged(first: Path, tmp_path: Path) -> None:
    (tmp_path / "d/.trial-abc/link").mkdir(parents=True)
    deployment.deploy(str(first), tmp_path / "d", ["frog"])
    assert deployment.purge(tmp_path / "d")


@pytest.mark.parametrize("below", ["", "below"])
def test_links_in_a_circle(below: str, first: Path, tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    circle.symlink_to("circle")
    for do in (deployment.deploy, deployment.check):
        with pytest.raises(DeployError):
            do(str(first), circle / below)
    with pytest.raises(DeployError):
        deployment.status(circle / below)
    assert deployment.current_number(circle / below) is None


@pytest.mark.parametrize("own", ["store", "generations/1", "current", "staging/x", "downloads"])
def test_launchers_in_a_folder_of_the_deployment(own: str, first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    with pytest.raises(UsageError, match="launchers cannot be in"):
        deployment.deploy(str(first), tmp_path, launchers=tmp_path / own)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_a_source_that_would_be_read_for_ever(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="there is no folder"):
        deployment.deploy(str(tmp_path / "fifo"), tmp_path / "d")


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no current folder")
def test_a_current_folder_that_was_removed(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    script = 'cd "$1/here" && rmdir "$1/here" && exec "$2" -m venvstacks status d'
    command = ["sh", "-c", script, "sh", tmp_path, sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "error: the current folder was removed\nhint: change to another folder" in done.stderr


INNER = ["new", "store", "store/new", "generations/1/apps/newt/lib", "current/apps/newt", "current/apps/newt/x/y"]


def test_a_folder_in_another_deployment(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path / "d", ["newt"])
    before = sorted(tmp_path.rglob("*"))
    for do, inner in itertools.product((deployment.deploy, deployment.check), INNER):
        with pytest.raises(DeployError, match=r"no deployment can be in .*/d is a deployment\b") as caught:
            do(str(first), tmp_path / "d" / inner)
        assert caught.value.hint == "deploy into a folder outside of it"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("mark", "target", "kind"),
    [
        (LAYER_CONFIG, "new/one", "the environment of a layer"),
        (f"{METADATA_DIR}/venvstacks.json", ".", "a publication"),
        (f"{STATE_FOLDER}/run.lock", ".", "a build folder"),
    ],
)
def test_a_folder_that_has_another_purpose(mark: str, target: str, kind: str, first: Path, tmp_path: Path) -> None:
    (tmp_path / "a" / mark).parent.mkdir(parents=True)
    (tmp_path / "a" / mark).touch()
    with pytest.raises(DeployError, match=f"a is {kind}"):
        deployment.deploy(str(first), tmp_path / "a" / target)


def test_a_folder_with_a_hidden_deployment(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path / "a/.hidden", ["newt"])
    with pytest.raises(DeployError, match="holds something else already"):
        deployment.deploy(str(first), tmp_path / "a")


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "missing"])
@pytest.mark.parametrize("failing", ["space", "launchers", "application", "pair"])
def test_a_refused_deploy_leaves_nothing(
    failing: str,
    empty: bool,  # noqa: FBT001
    first: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, taken = tmp_path / "new/one", tmp_path / "programs/newt"
    if empty:
        folder.mkdir(parents=True)
    if failing == "launchers":
        taken.parent.mkdir()
        taken.touch()
    if failing == "space":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1 << 40, free=0))
    before = sorted(tmp_path.rglob("*"))
    applications = ["toad"] if failing == "application" else ["newt"]
    launchers = {"launchers": tmp_path / "programs"} if failing != "pair" else {"desktop_entries": tmp_path / "entries"}
    with pytest.raises(VenvstacksError):
        deployment.deploy(str(first), folder, applications, **launchers)  # type: ignore[arg-type]
    assert sorted(tmp_path.rglob("*")) == before
