"""The command line is put together for the command that was asked for."""

from __future__ import annotations

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from venvstacks.cli.app import COMMANDS, make_app


def test_help_knows_all_commands() -> None:
    group = get_command(make_app(["--help"]))
    assert list(group.commands) == list(COMMANDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_loaded_alone(name: str) -> None:
    group = get_command(make_app(["-v", name, "whatever"]))
    assert list(group.commands) == [name]  # type: ignore[attr-defined]
    assert f"venvstacks {name}" in CliRunner().invoke(make_app([name]), [name, "-h"], prog_name="venvstacks").output


def test_a_command_that_does_not_exist_is_told_among_all() -> None:
    done = CliRunner().invoke(make_app(["publsh"]), ["publsh"])
    assert done.exit_code == 2
    assert "publish" in done.output
