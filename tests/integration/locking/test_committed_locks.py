"""Committed locks hold in every clone, on every machine, and are what locking writes today.

A difference here is a change of the lock format, or of what goes into the hashes: it makes all locks of users stale.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tests.committed_locks import COMMITTED, copy_committed_stack
from tests.integration.locking.projects import StackOnDisk
from venvstacks.api import Request, plan


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
