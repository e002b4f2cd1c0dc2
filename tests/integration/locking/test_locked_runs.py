"""`--locked`: runs that use the locks as they are, or end before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Request, Selection, plan, run
from venvstacks.cli.error_boundary import run_command_line as main
from venvstacks.errors import ExitCode, NotLockedError

SPECIFICATION = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
requirements = ["frog"]

[[applications]]
name = "app"
runtime = "py"
launch_module = "app.py"
requirements = []
"""


@pytest.fixture
def stack(tmp_path: Path) -> StackOnDisk:
    made = StackOnDisk.write(tmp_path / "spec", SPECIFICATION)
    made.wheel("frog")
    return made


def faults(stack: StackOnDisk, *operations: str, include: tuple[str, ...] = ()) -> list[str]:
    """What a plan and a run with `locked` say is wrong; they must agree, and change nothing."""
    before = stack.files(everything=True)
    request = Request(operations, Selection(include=include), lock_policy="require-valid", locked=True)  # type: ignore[arg-type]
    found = []
    for begin in (plan, run):
        with pytest.raises(NotLockedError) as caught:
            begin(stack.project(), request)
        found.append(caught.value.details)
    assert found[0] == found[1]
    assert stack.files(everything=True) == before
    return list(found[0])


@pytest.mark.parametrize("operation", ["build", "publish", "export"])
def test_every_layer_without_a_valid_lock_is_named(stack: StackOnDisk, operation: str) -> None:
    assert faults(stack, operation) == ["py: missing output: lock file", "app-app: missing output: lock file"]
    assert faults(stack, operation, include=("py",)) == ["py: missing output: lock file"]


def test_a_stale_lock_is_named_with_its_reasons_and_a_renewed_one_will_do(stack: StackOnDisk) -> None:
    stack.lock()
    assert "up to date" in {task.status for task in plan(stack.project(), Request(("build",), locked=True))}
    stack.change('["frog"]', '["frog>=1"]')
    assert faults(stack, "build") == [
        "py: changed setting: requirements: frog -> frog>=1",
        "app-app: changed input: lock of layer py, which is not valid",
    ]
    stack.lock()
    plan(stack.project(), Request(("build",), locked=True))


@pytest.mark.parametrize(
    "command",
    [["build", "--locked"], ["publish", "--locked"], ["local-export", "--locked"], ["plan", "--locked"],
     ["build", "--no-lock", "--publish", "--locked"]],
)  # fmt: skip
def test_the_commands_end_with_a_code_of_their_own(
    stack: StackOnDisk, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    assert main([name, str(stack.path), *options]) == ExitCode.NOT_LOCKED == 11
    output = capsys.readouterr()
    assert "py: missing output: lock file" in output.err
    assert "hint: run `venvstacks lock --if-needed` and commit" in output.err
    assert not (stack.base / "_build").exists()


def test_locking_and_using_locks_as_they_are_exclude_each_other(
    stack: StackOnDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(stack.path), "--lock", "--locked"]) == ExitCode.USAGE
    assert "--locked and --lock exclude each other" in capsys.readouterr().err
