"""Runtimes that name a series, `cpython@3.11`: the lock holds the release, and an upgrade gives it up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Request, plan
from venvstacks.errors import SpecificationError

SPECIFICATION = """\
[[runtimes]]
name = "cpython-3.11"
python_implementation = "{python}"
platforms = ["linux_x86_64", "linux_aarch64", "macosx_arm64", "win_amd64"]
requirements = []

[[frameworks]]
name = "pond"
runtime = "cpython-3.11"
requirements = []

[tool.venvstacks]
runtime-providers = ["archive"]
"""


def archive_of(version: str) -> str:
    places = ("linux_x86_64", "linux_aarch64", "macosx_arm64", "win_amd64")
    lines = (f'{place} = {{ url = "{version}.tar", sha256 = "{"0" * 64}" }}' for place in places)
    return "\n".join((f'[tool.venvstacks.runtime-archives."cpython@{version}"]', *lines, ""))


def written(folder: Path, python: str, *versions: str) -> StackOnDisk:
    text = "\n".join((SPECIFICATION.format(python=python), *map(archive_of, versions)))
    return StackOnDisk.write(folder / "spec", text)


def add_archive(stack: StackOnDisk, version: str) -> None:
    stack.path.write_text(f"{stack.path.read_text()}\n{archive_of(version)}")


def python_of(stack: StackOnDisk, **options: object) -> str:
    return str(stack.project(**options).stack.by_env_name["framework-pond"].python)


@pytest.mark.parametrize("series", ["cpython@3.11", "cpython@3.11.x"])
def test_the_newest_release_is_locked_and_stays(series: str, tmp_path: Path) -> None:
    stack = written(tmp_path, series, "3.11.9", "3.11.10", "3.12.1")
    (warning,) = stack.project().stack.warnings
    assert "cpython@3.11.10 is used, the newest cpython@3.11 of provider archive" in warning
    stack.lock()
    locked = stack.files()
    add_archive(stack, "3.11.11")
    project = stack.project()
    assert project.stack.warnings == ()
    assert python_of(stack) == "cpython@3.11.10"
    assert plan(project, Request(("lock",))).counts == {"up to date": 2}
    assert stack.files() == locked


def test_an_upgrade_takes_the_newest(tmp_path: Path) -> None:
    stack = written(tmp_path, "cpython@3.11", "3.11.9")
    stack.lock()
    add_archive(stack, "3.11.11")
    stack.run(Request(("lock",), renew_locks=True, upgrade=True), newest_pythons=True)
    assert python_of(stack) == "cpython@3.11.11"
    metadata = json.loads((stack.base / "requirements/cpython-3.11/pylock.cpython-3_11.meta.json").read_text())
    assert metadata["venvstacks"]["version_inputs"]["python"] == "cpython@3.11.11"


def test_a_lock_for_an_exact_python_gives_its_series_that_release(tmp_path: Path) -> None:
    stack = written(tmp_path, "cpython@3.11.9", "3.11.9")
    stack.lock()
    before = stack.files()
    add_archive(stack, "3.11.11")
    stack.change('"cpython@3.11.9"', '"cpython@3.11"')
    stack.lock()  # now the lock holds a release
    after = stack.files()
    text = "requirements/cpython-3.11/pylock.cpython-3_11.toml"
    assert before[text] == after[text]
    held = python_of(stack)
    add_archive(stack, "3.11.12")
    assert python_of(stack) == held


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"venvstacks": {"inputs": 1}}', b"\xff"])
def test_damaged_lock_metadata_is_for_locking_to_report(damage: bytes, tmp_path: Path) -> None:
    stack = written(tmp_path, "cpython@3.11", "3.11.9")
    stack.lock()
    (stack.base / "requirements/cpython-3.11/pylock.cpython-3_11.meta.json").write_bytes(damage)
    assert python_of(stack) == "cpython@3.11.9"
    assert plan(stack.project(), Request(("lock",))).counts.get("run") == 1


def test_a_series_that_no_provider_has_is_a_fault_of_its_line(tmp_path: Path) -> None:
    stack = written(tmp_path, "cpython@3.14", "3.11.9")
    with pytest.raises(SpecificationError) as caught:
        stack.project()
    (fault,) = caught.value.faults
    assert (fault.line, fault.layer) == (3, "cpython-3.11")
    assert fault.message == "none of the providers archive has a cpython@3.14"
    assert fault.hint == "write the release: cpython@3.14.Z"
