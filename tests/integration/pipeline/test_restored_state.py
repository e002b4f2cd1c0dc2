"""What a CI system restores: task state and published metadata, in another folder, at another time; nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.sample_stack import Pond, ran
from venvstacks.graph.selection import Operation
from venvstacks.planning.cache_key import cache_key

BUILD_PUBLISH: tuple[Operation, ...] = ("lock", "build", "publish")


@pytest.fixture
def restored(published_pond: Pond, tmp_path: Path) -> Pond:
    """A fresh checkout of the pond in another folder, with what `cache-key --paths` names copied into it.

    As GitHub's cache action does: patterns are expanded, and of what they give the whole is taken, folders included.
    """
    base = tmp_path / "elsewhere" / "deeper"
    ignored = shutil.ignore_patterns("_build", "_artifacts", "_export")
    shutil.copytree(published_pond.base, base, ignore=ignored)
    stored = cache_key(published_pond.project()).paths
    left_out = {path[1:] for path in stored if path.startswith("!")}
    taken = [place for path in stored if not path.startswith("!") for place in published_pond.base.glob(path)]
    for place in taken:
        path = place.relative_to(published_pond.base)
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        if path.as_posix() not in left_out:
            shutil.copytree(place, base / path) if place.is_dir() else shutil.copy2(place, base / path)
    assert not (base / "_build/.venvstacks/logs").exists()
    for number, path in enumerate(sorted(base.rglob("*"))):
        os.utime(path, (10**9 + number, 10**9 + number))
    return Pond(base, published_pond.cache, published_pond.uv_cache)


def test_an_unchanged_stack_has_nothing_to_do(restored: Pond) -> None:
    assert set(restored.plan(*BUILD_PUBLISH).values()) == {"up to date"}
    assert ran(restored.run(*BUILD_PUBLISH)) == set()
    assert not (restored.base / "_build/py").exists()


def test_a_changed_launch_module_is_that_layers_business(restored: Pond) -> None:
    restored.edit("import sys", "import  sys", "launch/plain.py")
    below = {"build:py", "link:py"}
    layer = {f"{kind}:app-plain" for kind in ("build", "link", "check", "archive")}
    assert ran(restored.run(*BUILD_PUBLISH)) == {*below, *layer, "manifest:archives"}
    assert not (restored.base / "_build/framework-frog").exists()
    assert ran(restored.run(*BUILD_PUBLISH)) == set(), "and then everything is up to date again"


def test_a_changed_option_of_archives_needs_the_environments_that_are_packed(restored: Pond) -> None:
    planned = restored.plan("publish", archive_level=3)
    assert {name for name, status in planned.items() if status == "run"} >= {"build:app-newt", "link:app-newt"}


def test_who_asks_for_environments_gets_them(restored: Pond) -> None:
    built = ran(restored.run("build"))
    assert built == {f"{kind}:{name}" for kind in ("build", "link") for name in names_of(restored)}
    assert ran(restored.run(*BUILD_PUBLISH)) == set()


def names_of(pond: Pond) -> set[str]:
    return {node.env_name for node in pond.project().graph.nodes if node.kind == "build"}


def test_keys_follow_what_counts(restored: Pond, published_pond: Pond) -> None:
    key = cache_key(restored.project())
    assert key == cache_key(published_pond.project()), "neither place nor time"
    assert key.key.startswith(key.restore)
    restored.spec.write_text("# 🐸\n" + restored.spec.read_text("utf-8"), "utf-8")
    assert cache_key(restored.project()) == key, "nor comments"

    restored.edit("import sys", "import  sys", "launch/plain.py")
    module = cache_key(restored.project())
    restored.edit('requirements = ["lily"]', 'requirements = ["lily>=1"]')
    requirement = cache_key(restored.project())
    assert len({key.key, module.key, requirement.key}) == 3
    assert {key.restore, module.restore, requirement.restore} == {key.restore}
    (restored.base / "requirements/py/pylock.py.toml").unlink()
    assert cache_key(restored.project()).key != requirement.key
