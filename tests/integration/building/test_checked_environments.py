"""`--check-environments`: files that somebody changed in built environments are named, and built again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.sample_stack import Pond, ran
from venvstacks.api import Request, plan

SITE = "lib/python3.11/site-packages"
CHECKED = Request(("build", "publish"), check_environments=True)


@pytest.fixture
def built(published_pond: Pond, tmp_path: Path) -> Pond:
    """The published stack with caches of its own, built on links into its store of wheels."""
    shutil.copytree(published_pond.base, tmp_path / "built", symlinks=True, ignore=shutil.ignore_patterns("_build"))
    without_wheels = shutil.ignore_patterns("wheels")
    shutil.copytree(
        published_pond.cache, tmp_path / "cache", symlinks=True, ignore=without_wheels, copy_function=os.link
    )
    pond = Pond(tmp_path / "built", tmp_path / "cache", tmp_path / "uv")
    ran(pond.run("build", "publish"))
    return pond


def found(pond: Pond) -> dict[str, set[tuple[str, str]]]:
    """Task to (kind, subject) of each reason, for the tasks that would run of their own accord."""
    planned = plan(pond.project(), CHECKED)
    return {
        task.name: {(reason.kind, reason.subject) for reason in task.reasons}
        for task in planned
        if task.status == "run" and task.reasons
    }


def edit_in_place(file: Path) -> None:
    """As an editor does that keeps hard links: the file in the store of wheels is the same one."""
    assert file.stat().st_nlink > 1
    with file.open("a", encoding="utf-8") as stream:
        stream.write("# tampered\n")


def replace(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[::-1])


def make_executable(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    file.chmod(0o755)


def turn_into_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("../../../../py/LICENSE")


CHANGES: list[tuple[str, Callable[[Path], None]]] = [
    (f"framework-lily/{SITE}/lily.py", edit_in_place),
    (f"framework-lily/{SITE}/lily.py", replace),
    (f"framework-lily/{SITE}/lily.py", make_executable),
    (f"framework-lily/{SITE}/lily.py", turn_into_link),
    (f"framework-lily/{SITE}/lily.py", os.unlink),
    (f"framework-lily/{SITE}/added.py", Path.touch),
    (f"app-newt/{SITE}/legs.py", replace),
    ("app-newt/bin/python", replace),
]


@pytest.mark.parametrize(("place", "change"), CHANGES)
def test_a_changed_file_is_named_and_built_again(built: Pond, place: str, change: Callable[[Path], None]) -> None:
    file, name = built.base / "_build" / place, place.partition("/")[0]
    before = file.read_bytes() if file.exists() else None
    archive = (built.base / f"_artifacts/{name}.tar.zst").read_bytes()
    change(file)
    assert set(built.plan("build", "publish").values()) == {"up to date"}, "nobody looks without being asked to"
    assert found(built) == {f"build:{name}": {("changed file", f"_build/{place}")}}
    assert ran(built.run("build", "publish", check_environments=True)) == {f"build:{name}", f"link:{name}"}
    assert (file.read_bytes() if file.exists() else None) == before
    assert found(built) == {}
    assert {f"archive:{name}"} <= ran(built.run("publish", force=True))
    assert (built.base / f"_artifacts/{name}.tar.zst").read_bytes() == archive


def test_every_changed_file_of_every_environment_is_named(built: Pond) -> None:
    places = [f"framework-lily/{SITE}/lily.py", f"app-newt/{SITE}/legs.py", f"app-newt/{SITE}/hop/__main__.py"]
    for place in places:
        replace(built.base / "_build" / place)
    named = {subject for reasons in found(built).values() for kind, subject in reasons if kind == "changed file"}
    assert named == {f"_build/{place}" for place in places}


def test_the_command_says_what_was_changed(built: Pond) -> None:
    replace(built.base / f"_build/app-newt/{SITE}/legs.py")
    options = ("--no-index", "--local-wheels", "wheels", "--check-environments")
    done = built.command("-v", "build", "venvstacks.toml", "--publish", *options)
    assert done.returncode == 0, done.stderr
    assert f"changed file: _build/app-newt/{SITE}/legs.py" in done.stderr
    assert "changed file" not in built.command("-v", "build", "venvstacks.toml", "--publish", *options).stderr


def test_what_is_not_shipped_does_not_count(built: Pond) -> None:
    (built.base / "_build/app-newt/pyvenv.cfg").write_text("home = elsewhere\n", "utf-8")
    (built.base / f"_build/framework-lily/{SITE}/__pycache__").mkdir(exist_ok=True)
    (built.base / f"_build/framework-lily/{SITE}/__pycache__/x.pyc").touch()
    assert found(built) == {}


def test_an_environment_that_was_built_but_not_linked(built: Pond) -> None:
    (built.base / "_build/.venvstacks/link/app-newt.json").unlink()
    place = built.base / f"_build/app-newt/{SITE}/legs.py"
    assert set(found(built)) == {"link:app-newt"}
    replace(place)
    assert set(found(built)) == {"build:app-newt", "link:app-newt"}


def test_damage_in_the_store_of_wheels_is_noticed_by_any_build_and_mended(built: Pond) -> None:
    lily = built.base / f"_build/framework-lily/{SITE}/lily.py"
    log = built.base / "_build/.venvstacks/logs/build-framework-lily.log"
    before = lily.read_bytes()
    edit_in_place(lily)
    shutil.rmtree(built.base / "_build")
    ran(built.run("build"))
    assert lily.read_bytes() == before
    assert f"not as the wheel of lily 1.0 has it: {SITE}/lily.py" in log.read_text("utf-8")
    shutil.rmtree(built.base / "_build")
    ran(built.run("build"))
    assert lily.read_bytes() == before
    assert not log.exists(), "the store is sound again: nothing was fetched and nothing is noted"
