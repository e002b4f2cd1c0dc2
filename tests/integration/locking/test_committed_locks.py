"""Committed locks hold in every clone, on every machine, and are what locking writes today.

A difference here is a change of the lock format, or of what goes into the hashes: it makes all locks of users stale.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.committed_locks import COMMITTED, copy_committed_stack
from tests.support.dry_installs import make_bare_environment, would_install
from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Request, plan
from venvstacks.model.platforms import PLATFORMS


@pytest.fixture
def clone(tmp_path: Path) -> StackOnDisk:
    return StackOnDisk(copy_committed_stack(tmp_path / "fresh" / "clone"))


def committed() -> dict[str, bytes]:
    files = (path for path in COMMITTED.rglob("*") if path.is_file() and "requirements" in path.parts)
    return {path.relative_to(COMMITTED).as_posix(): path.read_bytes() for path in files}


def test_a_fresh_clone_resolves_nothing(clone: StackOnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a process is started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    for options in ({}, {"local_wheels": ()}):
        project = clone.project(**options)
        assert {task.status for task in plan(project, Request(("lock",)))} == {"up to date"}
        report = clone.run(Request(("lock",)), **options)
        assert [outcome.name for outcome in report.outcomes if (outcome.values or {}).get("resolved")] == []
        assert clone.files() == committed()


@pytest.mark.parametrize("upgrade", [False, True], ids=["with pins", "without pins"])
def test_locking_again_writes_the_same_bytes(
    clone: StackOnDisk, check_golden: Callable[[str, str], None], *, upgrade: bool
) -> None:
    clone.lock(renew_locks=True, upgrade=upgrade)
    for name, content in clone.files().items():
        check_golden(f"locks/{name}", content.decode("utf-8"))
    assert clone.files().keys() == committed().keys()


THREE = ("win_amd64", "linux_x86_64", "macosx_arm64")
TARGETS = {"py-3.11": tuple(PLATFORMS), "framework-water": tuple(PLATFORMS), "framework-land": THREE, "app-pond": THREE}


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bare_environment(tmp_path_factory.mktemp("bare") / "env")


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the locks are for Python 3.11")
@pytest.mark.parametrize(("env_name", "target"), [(name, target) for name in TARGETS for target in TARGETS[name]])
def test_uv_would_install_exactly_what_the_lock_says_on_every_target(
    clone: StackOnDisk, bare_python: Path, env_name: str, target: str
) -> None:
    project = clone.project()
    layer = project.stack.by_env_name[env_name]
    lock_file = clone.base / project.configuration.layout.lock_file(layer)
    expected = clone.versions(env_name, target)
    assert would_install(layer, lock_file, target, bare_python, clone.environment) == expected
    assert expected
