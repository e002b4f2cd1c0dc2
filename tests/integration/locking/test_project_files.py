"""Stacks that take requirements and pins from the files of the project that they ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Request, lock_staleness, plan
from venvstacks.errors import SpecificationError

SPECIFICATION = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64", "win_amd64"]
requirements-from = [{ pyproject = "../pyproject.toml", groups = ["serving"] }]
constraints-from = [{ lock = "../uv.lock" }]
"""
PROJECT = """\
[project]
name = "hopper"
dependencies = ["frog"]
[dependency-groups]
serving = ["toad; sys_platform == 'linux'"]
"""
UV_LOCK = """\
version = 1
[[package]]
name = "frog"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
"""


@pytest.fixture
def stack(tmp_path: Path) -> StackOnDisk:
    made = StackOnDisk.write(tmp_path / "project" / "stack", SPECIFICATION)
    (tmp_path / "project/pyproject.toml").write_text(PROJECT)
    (tmp_path / "project/uv.lock").write_text(UV_LOCK)
    for name in ("frog", "toad", "newt"):
        made.wheel(name)
        made.wheel(name, "2.0")
    return made


def reasons(stack: StackOnDisk) -> list[str]:
    return [str(reason) for reason in lock_staleness(stack.project())["py"]]


def test_a_stack_follows_the_requirements_and_pins_of_its_project(stack: StackOnDisk) -> None:
    stack.lock()
    assert stack.versions("py") == {"frog": "1.0", "toad": "2.0"}
    assert stack.versions("py", "win_amd64") == {"frog": "1.0"}
    declared = (stack.base / "requirements/py/requirements-py.in").read_text()
    assert "# Requirements from ../pyproject.toml (group serving)\nfrog\n" in declared
    assert "# Constraints from ../uv.lock\n# frog==1.0\n" in declared
    assert reasons(stack) == []


def test_a_change_in_such_a_file_makes_the_lock_stale_and_is_named(stack: StackOnDisk) -> None:
    stack.lock()
    project = stack.base.parent / "pyproject.toml"
    project.write_text(project.read_text().replace('"frog"]', '"frog", "newt"]'))
    label = "requirements-from.../pyproject.toml (group serving)"
    assert reasons(stack) == [f"changed setting: {label}: nothing -> newt"]
    planned = {task.name: task for task in plan(stack.project(), Request(("lock",)))}
    assert [str(reason) for reason in planned["lock:py"].reasons] == reasons(stack)
    (stack.base.parent / "uv.lock").write_text(UV_LOCK.replace('"1.0"', '"2.0"'))
    assert "changed setting: constraints-from.../uv.lock: frog==1.0 -> frog==2.0" in reasons(stack)
    stack.lock()
    assert stack.versions("py") == {"frog": "2.0", "newt": "2.0", "toad": "2.0"}


def test_what_does_not_matter_in_such_a_file_changes_nothing(stack: StackOnDisk) -> None:
    stack.lock()
    project = stack.base.parent / "pyproject.toml"
    project.write_text("# a comment\n" + project.read_text() + "[tool.other]\nx = 1\n")
    assert reasons(stack) == []


def test_the_files_are_inputs_of_the_task(stack: StackOnDisk) -> None:
    node = stack.project().graph.by_name["lock:py"]
    assert {"../pyproject.toml", "../uv.lock"} <= set(node.inputs)


def test_a_missing_file_is_a_fault_of_the_specification(stack: StackOnDisk) -> None:
    (stack.base.parent / "uv.lock").unlink()
    with pytest.raises(SpecificationError) as caught:
        stack.project()
    (fault,) = caught.value.faults
    assert (fault.line, fault.layer, fault.key) == (6, "py", "constraints-from")
    assert fault.message == "there is no file '../uv.lock'"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_requirements_files_with_a_byte_order_mark_are_read(stack: StackOnDisk, encoding: str) -> None:
    """PowerShell's `pip freeze > requirements.txt` writes UTF-16."""
    (stack.base / "frozen.txt").write_text("frog==1.0\n# \u00e4\nnewt\n", encoding=encoding)
    stack.change('{ pyproject = "../pyproject.toml", groups = ["serving"] }', '{ requirements = "frozen.txt" }')
    assert stack.project().stack.layers[0].requirements == ("frog==1.0", "newt")


def test_requirements_files_that_are_no_text_are_named(stack: StackOnDisk) -> None:
    (stack.base / "frozen.txt").write_bytes(b"frog==1.0\n\xff\xfe\x81")
    stack.change('{ pyproject = "../pyproject.toml", groups = ["serving"] }', '{ requirements = "frozen.txt" }')
    with pytest.raises(SpecificationError) as caught:
        stack.project()
    (fault,) = caught.value.faults
    assert (fault.line, fault.key) == (5, "requirements-from")
    assert fault.message.startswith("'frozen.txt' cannot be read: it is neither UTF-8 nor UTF-16 text")
