"""Deployments that were moved or copied: what is reported, and that the next change mends them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.installed_applications import assert_clean
from tests.support.offline_stacks import run
from venvstacks.api import deployments as deployment


@pytest.fixture(scope="module")
def original(first: Path, second: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with two generations."""
    folder = tmp_path_factory.mktemp("moved") / "original"
    deployment.deploy(str(first), folder, ["newt"])
    deployment.deploy(str(second), folder)
    return folder


@pytest.fixture
def moved(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "a place, 別の場所", symlinks=True))


def kinds(folder: Path) -> set[tuple[str, str]]:
    found = deployment.status(folder, verify=True).differences
    assert found is not None
    return {(one.path.rpartition("/")[2], one.kind) for one in found}


def test_what_names_another_folder_is_reported_as_that(moved: Path) -> None:
    assert kinds(moved) == {("pyvenv.cfg", "moved"), ("sitecustomize.py", "moved")}


@pytest.mark.parametrize("text", ["home = /elsewhere/bin\n", "", "\0" * 100_000])
def test_what_does_not_is_changed(text: str, moved: Path) -> None:
    for file in moved.glob("store/*/app-newt/pyvenv.cfg"):
        file.write_text(text, encoding="utf-8")
    assert ("pyvenv.cfg", "changed") in kinds(moved)


def deploy_again(folder: Path) -> None:
    done = deployment.deploy(deployment.status(folder).generation.source, folder, repair=True)
    assert (done.changed, done.fetched) == (False, ())


CHANGES = [deployment.collect, deployment.rollback, deploy_again]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_the_next_change_mends_all_that_is_kept(change: Callable[[Path], object], moved: Path) -> None:
    change(moved)
    assert_clean(moved)
    deployment.rollback(moved, min(deployment.status(moved).kept))
    assert_clean(moved)


def test_an_update_copies_layers_that_were_moved(first: Path, second: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path / "d", ["newt"])
    (tmp_path / "d").rename(tmp_path / "moved")
    done = deployment.deploy(str(second), tmp_path / "moved")
    assert done.fetched == ("py",)
    assert set(done.rebound) == {"framework-pond", "framework-reeds", "app-newt"}


def test_a_prepared_generation_is_mended_before_it_becomes_current(first: Path, second: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path / "d", ["frog"])
    deployment.deploy(str(second), tmp_path / "d", later=True)
    (tmp_path / "d").rename(tmp_path / "moved")
    deployment.activate(tmp_path / "moved")
    assert deployment.status(tmp_path / "moved", verify=True).differences == ()


def test_the_command_says_what_is_the_case(moved: Path) -> None:
    done = run("venvstacks", "status", "--verify", "--json", moved, cwd=moved)
    assert done.returncode == 6
    assert {one["kind"] for one in json.loads(done.stdout)["differences"]} == {"moved"}
    assert "hint: the deployment was moved or copied: `venvstacks collect" in done.stderr
