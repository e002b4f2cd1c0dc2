"""What cannot be removed, and what does not belong to a deployment: named or left alone, and never in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.published_layers import SITE, application, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.deployment.steps import switch
from venvstacks.errors import DeployError

Start = Callable[..., str]


@pytest.fixture
def installed(first: Path, tmp_path: Path) -> Path:
    deployment.deploy(str(first), tmp_path / "d")
    return tmp_path / "d"


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def options(warnings: list[str]) -> deployment.DeployOptions:
    return deployment.DeployOptions(warn=warnings.append)


def newt(folder: Path) -> Path:
    return next(place for place in folder.glob("store/*/app-newt") if not place.is_symlink())


def refuse(monkeypatch: pytest.MonkeyPatch, function: str, name: str) -> None:
    """Let a function of `os` fail for one file, as with another user's folder, an immutable or an open file."""
    trusted = getattr(os, function)

    def refusing(path: str | Path, *rest: object, **more: object) -> None:
        if os.path.basename(path) == name:  # noqa: PTH119 - as shutil names it
            raise PermissionError(1, "Operation not permitted", str(path))
        trusted(path, *rest, **more)

    monkeypatch.setattr(os, function, refusing)


def test_a_file_that_cannot_be_removed_is_named_and_stops_nothing(
    installed: Path, first: Path, second: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    options = deployment.DeployOptions(warn=warnings.append)
    (newt(installed) / SITE / "stuck").write_text("")
    deployment.remove(installed, ["newt"], options)
    with monkeypatch.context() as patch:
        refuse(patch, "unlink", "stuck")
        generation, removed = deployment.remove(installed, ["frog"], options)
        assert (generation.number, len(removed)) == (3, 2)
        (line,) = warnings
        assert "stuck cannot be removed: Operation not permitted; the next change tries again" in line
        deployment.rollback(installed, options=options)
        assert deployment.deploy(str(second), installed, ["frog"], options).changed
        deployment.collect(installed, options)
        deployment.remove(installed, ["frog"], options)
        assert len(warnings) == 5, "once for each command"
        assert deployment.deploy(str(first), installed, ["newt"], options).changed
        assert start(installed, "newt") == "1 1 1 1"
    warnings.clear()
    deployment.collect(installed, options)
    assert warnings == []
    assert [*(installed / "staging").iterdir()] == []


def test_an_instance_that_cannot_be_moved_stays_where_it_is(
    installed: Path,
    options: deployment.DeployOptions,
    warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    id_ = newt(installed).parent.name
    deployment.remove(installed, ["newt"], options)
    with monkeypatch.context() as patch:
        refuse(patch, "rename", id_)
        _, removed = deployment.remove(installed, ["frog"], options)
    assert id_ not in removed
    assert len(removed) == 1
    assert [line.partition(" cannot")[0] for line in warnings] == [str(installed / "store" / id_)]
    assert deployment.collect(installed, options) == (id_,)


def test_a_generation_that_cannot_be_moved_keeps_its_layers(
    installed: Path, options: deployment.DeployOptions, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.remove(installed, ["newt"], options)
    with monkeypatch.context() as patch:
        refuse(patch, "rename", "1")
        assert deployment.remove(installed, ["frog"], options)[1] == ()
    assert deployment.status(installed).kept == (1, 2, 3)
    deployment.rollback(installed, 1)
    assert start(installed, "newt") == "1 1 1 1"


@pytest.mark.skipif(shutil.which("chattr") is None, reason="files cannot be made immutable here")
def test_immutable_files_and_the_commands(installed: Path, second: Path, options: deployment.DeployOptions) -> None:
    """With the system's own refusal."""
    stuck = newt(installed) / SITE / "newt.py"
    if subprocess.run(["chattr", "+i", stuck], check=False, capture_output=True).returncode:
        pytest.skip("files cannot be made immutable here")
    try:
        deployment.deploy(str(second), installed, options=options)
        deployment.remove(installed, ["newt"], options)
        assert deployment.deploy(str(second), installed, options=options).generation.number == 3
    finally:
        for place in installed.rglob("newt.py"):
            if not place.is_symlink():
                subprocess.run(["chattr", "-i", place], check=True)
    deployment.collect(installed, options)
    assert [*(installed / "staging").iterdir()] == []


def test_folders_without_permissions_are_removed(installed: Path, options: deployment.DeployOptions) -> None:
    locked = newt(installed) / SITE / "locked"
    (locked / "inner").mkdir(parents=True)
    (locked / "inner/file").write_text("")
    (locked / "inner").chmod(0)
    locked.chmod(0)
    for name in ("newt", "frog"):
        deployment.remove(installed, [name], options)
    assert [*(installed / "staging").iterdir()] == []


def test_a_deploy_that_cannot_clean_up_has_succeeded(
    installed: Path,
    second: Path,
    options: deployment.DeployOptions,
    warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> tuple[str, ...]:
        raise OSError(5, "Input/output error", "the disk")

    monkeypatch.setattr(switch, "collect_garbage", fail)
    assert deployment.deploy(str(second), installed, options=options).generation.number == 2
    assert len(warnings) == 1
    assert "was not cleaned up" in warnings[0]


def test_a_generation_that_was_never_entered_is_not_gone_back_to(
    installed: Path, second: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(switch, "switch_to", interrupted)
        with pytest.raises(KeyboardInterrupt):
            deployment.deploy(str(second), installed)
    assert (installed / "generations/2/state.json").exists()
    assert deployment.status(installed).kept == (1,)
    with pytest.raises(DeployError, match=r"generation 2 of .* is not there"):
        deployment.rollback(installed, 2)
    assert deployment.deploy(str(second), installed).generation.number == 2
    assert start(installed, "frog") == "1 1 2"
    deployment.rollback(installed)
    assert deployment.status(installed).kept == (1, 2)


def test_a_generation_whose_layers_are_gone_is_not_gone_back_to(installed: Path, second: Path) -> None:
    deployment.deploy(str(second), installed)
    for place in [*installed.glob("store/*/py")]:
        if not place.is_symlink() and "'1'" in (place / "lib/python3.11/river.py").read_text():
            shutil.rmtree(place)
    with pytest.raises(DeployError, match=r"generation 1 of .* needs layers that are gone: py"):
        deployment.rollback(installed)


@pytest.mark.parametrize("name", ["00009", "٣", "9" * 200, "notes", "12", "0"])
@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda place: place.symlink_to("nowhere")])
def test_strange_names_among_generations(name: str, make: Callable[[Path], None], tmp_path: Path, start: Start) -> None:
    publish(tmp_path / "a", [runtime(), application("frog")])
    publish(tmp_path / "b", [runtime(), application("frog", text="2")])
    folder = tmp_path / "d"
    deployment.deploy(str(tmp_path / "a"), folder)
    make(folder / "generations" / name)
    assert deployment.deploy(str(tmp_path / "b"), folder).generation.number == 2
    assert deployment.rollback(folder).number == 1
    deployment.collect(folder)
    deployment.remove(folder, ["frog"])
    assert deployment.rollback(folder).number == 1
    assert start(folder, "frog") == "1 1"


def test_a_store_that_is_a_link_is_never_followed(installed: Path, first: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious/something"
    precious.mkdir(parents=True)
    (installed / "store").rename(tmp_path / "old-store")
    (installed / "store").symlink_to(precious.parent)
    changes: list[Callable[[], object]] = [
        lambda: deployment.collect(installed),
        lambda: deployment.deploy(str(first), installed),
        lambda: deployment.remove(installed, ["frog"]),
    ]
    for change in changes:
        with pytest.raises(DeployError, match="store is a link to somewhere else"):
            change()
    assert precious.is_dir()


def test_links_in_the_store_are_removed_and_not_followed(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("mine")
    for name in ("store/stray", "staging", "downloads"):
        shutil.rmtree(installed / name, ignore_errors=True)
        (installed / name).symlink_to(tmp_path / "precious")
    deployment.collect(installed)
    assert (tmp_path / "precious/file").read_text() == "mine"
    assert not os.path.lexists(installed / "store/stray")


def test_a_pointer_that_became_a_folder(installed: Path, second: Path, start: Start) -> None:
    """As in a copy by a program that follows links."""
    (installed / "current").unlink()
    shutil.copytree(installed / "generations/1", installed / "current", symlinks=True)
    deployment.rollback(installed, 1)
    assert start(installed, "frog") == "1 1 1"
    assert deployment.deploy(str(second), installed).generation.number == 2


def test_an_application_whose_name_is_no_name(tmp_path: Path, start: Start) -> None:
    publish(tmp_path / "a", [runtime(), application("frog")])
    deployment.deploy(str(tmp_path / "a"), tmp_path / "d")
    for number, name in enumerate(("app-..", "app-.", "app-", "app-.hidden")):
        bad = replace(application("newt"), name=name, target="app-newt", changes={"app_launch_module": "newt"})
        publish(tmp_path / f"b{number}", [runtime(text="2"), application("frog"), bad])
        with pytest.raises(DeployError, match="is not valid"):
            deployment.deploy(str(tmp_path / f"b{number}"), tmp_path / "d")
    assert start(tmp_path / "d", "frog") == "1 1"
    assert deployment.status(tmp_path / "d").kept == (1,)


def test_an_application_whose_layer_is_called_app_something(tmp_path: Path, start: Start) -> None:
    named = replace(application("pond_app"), name="app-app-pond", changes={"app_launch_module": "pond_app"})
    publish(tmp_path / "a", [runtime(), named, application("pond", text="the other")])
    deployment.deploy(str(tmp_path / "a"), tmp_path / "d")
    assert list(deployment.status(tmp_path / "d").generation.applications) == ["app-pond", "pond"]
    assert start(tmp_path / "d", "app-pond") == start(tmp_path / "d", "app-app-pond") == "1 1"
    assert start(tmp_path / "d", "pond") == "the other 1"
    deployment.deploy(str(tmp_path / "a"), tmp_path / "one", ["app-pond"])
    assert list(deployment.status(tmp_path / "one").generation.applications) == ["app-pond"]
    deployment.deploy(str(tmp_path / "a"), tmp_path / "one")
    assert deployment.remove(tmp_path / "d", ["app-pond"])[0].applications.keys() == {"pond"}


def test_purging_takes_everything_away(
    installed: Path, second: Path, options: deployment.DeployOptions, warnings: list[str]
) -> None:
    deployment.deploy(str(second), installed, ["newt"], options)
    assert deployment.purge(installed, options)
    assert not installed.exists()
    assert warnings == []


def test_purging_leaves_what_others_have_put_there(installed: Path, first: Path) -> None:
    (installed / "notes.txt").write_text("mine")
    assert not deployment.purge(installed)
    assert [place.name for place in installed.iterdir()] == ["notes.txt"]
    (installed / "notes.txt").unlink()
    assert deployment.deploy(str(first), installed).changed, "an empty folder again"


def test_purging_can_be_repeated_where_something_cannot_be_removed(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (newt(installed) / SITE / "stuck").write_text("")
    with monkeypatch.context() as patch:
        refuse(patch, "unlink", "stuck")
        with pytest.raises(DeployError, match="stuck cannot be removed") as caught:
            deployment.purge(installed)
    assert "nothing is installed any more" in str(caught.value)
    assert deployment.current_number(installed) is None
    assert deployment.purge(installed)


def test_purging_needs_no_readable_state(installed: Path) -> None:
    (installed / "generations/1/state.json").write_text("{")
    assert deployment.purge(installed)
    with pytest.raises(DeployError, match="is not a deployment"):
        deployment.purge(installed)


def test_who_waited_for_a_purge_does_not_go_on(installed: Path, first: Path, options: deployment.DeployOptions) -> None:
    def purged() -> None:  # the holder of the lock ends its work as soon as somebody waits
        (installed / "venvstacks-deployment.json").unlink()
        held.release()

    held = FileLock(installed / ".lock")
    held.acquire()
    with pytest.raises(DeployError, match="another process has removed"):
        deployment.deploy(str(first), installed, options=replace(options, on_wait=purged))


def test_a_new_file_system_counts_as_empty(first: Path, tmp_path: Path) -> None:
    (tmp_path / "d/lost+found").mkdir(parents=True)
    assert deployment.deploy(str(first), tmp_path / "d").changed
    assert not deployment.purge(tmp_path / "d"), "the folder is the file system's"
    assert [place.name for place in (tmp_path / "d").iterdir()] == ["lost+found"]
