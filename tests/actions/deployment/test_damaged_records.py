"""Records that are missing, damaged, or of another version: what is reported, kept, and repaired by the next deploy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.published_layers import application, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError

Start = Callable[..., str]
Spoil = Callable[[Path], object]


def write(text: str) -> Spoil:
    return lambda place: place.write_text(text, "utf-8")


def of_the_future(place: Path) -> None:
    place.write_text(place.read_text("utf-8").replace('"format": 1', '"format": 2'), "utf-8")


SPOILS = pytest.mark.parametrize("spoil", [Path.unlink, write(""), write('{"format": 1}'), write("\0" * 99)])


@pytest.fixture
def installed(first: Path, tmp_path: Path) -> Path:
    deployment.deploy(str(first), tmp_path / "d", ["newt"])
    return tmp_path / "d"


def record(folder: Path, name: str) -> Path:
    return next(place for place in folder.glob(f"store/*/{name}") if not place.is_symlink()).with_name("instance.json")


def state(folder: Path, number: int) -> Path:
    return folder / f"generations/{number}/state.json"


@SPOILS
@pytest.mark.parametrize("name", ["py", "framework-pond", "app-newt"])
def test_an_instance_is_replaced_and_the_old_one_kept_for_rollback(
    spoil: Spoil, name: str, installed: Path, first: Path, start: Start
) -> None:
    damaged = record(installed, name)
    spoil(damaged)
    found = deployment.status(installed, verify=True).differences or ()
    assert [(one.path, one.kind) for one in found] == [("instance.json", "changed" if damaged.exists() else "missing")]
    assert start(installed, "newt") == "1 1 1 1"
    done = deployment.deploy(str(first), installed)
    assert done.changed
    assert name in done.fetched
    assert deployment.status(installed, verify=True).differences == ()
    assert start(installed, "newt") == "1 1 1 1"
    deployment.rollback(installed)
    assert start(installed, "newt") == "1 1 1 1"


@SPOILS
def test_an_application_that_is_not_deployed_now_stays(
    spoil: Spoil, installed: Path, first: Path, start: Start
) -> None:
    spoil(record(installed, "app-newt"))
    done = deployment.deploy(str(first), installed, ["frog"])
    assert list(done.generation.applications) == ["frog", "newt"]
    assert start(installed, "newt") == "1 1 1 1"
    deployment.remove(installed, ["frog"])
    assert start(installed, "newt") == "1 1 1 1"


def test_a_deploy_that_fails_removes_nothing(installed: Path, tmp_path: Path, start: Start) -> None:
    record(installed, "app-newt").unlink()
    publish(tmp_path / "other", [runtime("other"), application("toad", "other")])
    (tmp_path / "other/other.tar.zst").unlink()
    with pytest.raises(DeployError, match="is missing"):
        deployment.deploy(str(tmp_path / "other"), installed, ["toad"])
    deployment.collect(installed)
    assert start(installed, "newt") == "1 1 1 1"


@SPOILS
def test_a_current_state_that_is_damaged(spoil: Spoil, installed: Path, first: Path, start: Start) -> None:
    deployment.deploy(str(first), installed, ["frog"])
    spoil(state(installed, 2))
    stored = sorted((installed / "store").iterdir())
    for use in (
        lambda: deployment.status(installed),
        lambda: deployment.deploy(str(first), installed),
        lambda: deployment.collect(installed),
        lambda: deployment.rollback(installed),
        lambda: start(installed, "newt"),
    ):
        with pytest.raises(DeployError, match=r"2.state\.json is damaged: ") as caught:
            use()
        assert (
            caught.value.hint
            == f"go to another generation that is kept (1): `venvstacks rollback {installed} --generation 1`"
        )
    assert sorted((installed / "store").iterdir()) == stored
    assert deployment.rollback(installed, 1).number == 1
    assert start(installed, "newt") == "1 1 1 1"
    deployment.deploy(str(first), installed, ["frog"])
    assert start(installed, "frog") == "1 1 1"


@SPOILS
def test_a_previous_state_that_is_damaged_is_dropped(spoil: Spoil, installed: Path, first: Path, start: Start) -> None:
    deployment.deploy(str(first), installed, ["frog"])
    spoil(state(installed, 1))
    assert deployment.collect(installed) == ()
    assert deployment.status(installed).kept == (2,)
    assert start(installed, "newt") == "1 1 1 1"


def test_a_pointer_to_a_missing_generation(installed: Path, first: Path, start: Start) -> None:
    """As when the deployment was copied by something that follows links."""
    (installed / "current").unlink()
    (installed / "current").mkdir()
    for use in (lambda: deployment.status(installed), lambda: deployment.collect(installed)):
        with pytest.raises(DeployError, match="current names no generation") as caught:
            use()
        assert caught.value.hint
    (installed / "current").rmdir()
    (installed / "current").symlink_to("generations/frog")
    with pytest.raises(DeployError, match="current names no generation"):
        deployment.deploy(str(first), installed)
    deployment.rollback(installed, 1)
    assert start(installed, "newt") == "1 1 1 1"


@pytest.mark.parametrize("place", [lambda folder: state(folder, 1), lambda folder: record(folder, "py")])
def test_records_of_later_versions_are_left_alone(place: Callable[[Path], Path], installed: Path, first: Path) -> None:
    of_the_future(place(installed))
    before = place(installed).read_bytes()
    for _ in range(2):
        with pytest.raises(DeployError, match="was written by another version of venvstacks") as caught:
            deployment.deploy(str(first), installed)
        assert caught.value.hint == "use the venvstacks that made this deployment, or deploy into a new folder"
    assert place(installed).read_bytes() == before


@pytest.mark.parametrize("version", ["nan11", "3.nan11.7", "3.1q.7", "3", "3.x", "3.9999999999", ""])
def test_a_layer_whose_python_has_no_version_is_damaged(version: str, installed: Path) -> None:
    for place in installed.glob("store/*/app-newt/share/venv/metadata/venvstacks_layer.json"):
        place.chmod(0o644)
        place.write_text(
            re.sub('"py_version": "[^"]*"', f'"py_version": "{version}"', place.read_text("utf-8")), "utf-8"
        )
    assert deployment.status(installed, verify=True).differences
    with pytest.raises(DeployError, match=r"cannot be started: .*'py_version' is not a version"):
        deployment.start_command(installed, "newt")
