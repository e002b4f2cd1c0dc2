"""Helps name everything whole, and their examples are commands that exist."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from venvstacks.cli import meant_commands
from venvstacks.cli.app import COMMANDS, make_app
from venvstacks.cli.deployer_program import make_parser
from venvstacks.cli.error_boundary import run_command_line
from venvstacks.cli.examples import EXAMPLES
from venvstacks.errors import UsageError


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_name_is_whole_at_any_width(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    command = get_command(make_app([name])).commands[name]  # type: ignore[attr-defined]
    context = command.context_class(command, info_name=name, **command.context_settings)
    shown = command.get_help(context)
    words = shown.replace(",", " ").split()
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    for option in options:
        assert set(words) >= {*option.opts, *option.secondary_opts}
    for option in options:
        assert all(word in shown for word in (option.help or "").split())
        assert not option.envvar or str(option.envvar) in shown
    assert "…" not in shown
    assert not [line for line in shown.splitlines() if line.endswith("-")]
    lines = shown.partition("Examples")[0].splitlines()
    assert max(len(line) for line in lines if "--no-" not in line) <= min(columns, 100)


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("exec", "[OPTIONS] DIR APP [-- ARGS]"),
        ("watch", "[OPTIONS] [SPEC] [APP] [-- ARGS]"),
        ("diff", "[OPTIONS] BEFORE [AFTER]"),
    ],
)
def test_the_usage_brackets_what_may_be_left_out(name: str, usage: str) -> None:
    command = get_command(make_app([name])).commands[name]  # type: ignore[attr-defined]
    context = command.context_class(command, info_name=name, **command.context_settings)
    assert command.get_usage(context) == f"Usage: {name} {usage}"


def test_the_list_of_commands_has_the_first_paragraph_of_each_help() -> None:
    group = get_command(make_app(["cache"]))
    shown = group.get_help(group.context_class(group, info_name="venvstacks", **group.context_settings))
    assert "compare it with its" in shown
    assert "`uv cache prune`" not in shown


def test_every_command_has_examples() -> None:
    assert list(EXAMPLES) == ["venvstacks", *COMMANDS]


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines if "COMMAND" not in line])
def test_examples_are_commands_that_exist(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "venvstacks.toml").touch()
    monkeypatch.chdir(tmp_path)
    program, name, *arguments = shlex.split(line.partition("   ")[0].partition(" > ")[0])
    if program == "python3":  # the deployer's file
        assert name.endswith(".pyz")
        assert make_parser("1").parse_args(arguments).command == arguments[0]
        return
    assert program == "venvstacks"
    command = get_command(make_app([name])).commands[name]  # type: ignore[attr-defined]
    assert command.make_context(name, arguments)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("treee", "did you mean 'tree'?"),
        ("packages", "did you mean `venvstacks tree`?"),
        ("uninstall", "did you mean `venvstacks remove`?"),
        ("Update", "did you mean `venvstacks lock --upgrade` or `venvstacks deploy`?"),
        ("zzz", "`venvstacks -h` lists all commands"),
    ],
)
def test_commands_are_suggested_by_what_is_meant(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"there is no command '{name}'") as caught:
        make_app([name])([name], standalone_mode=False)
    assert caught.value.hint == hint


def test_meanings_are_commands_that_exist_and_no_commands_themselves() -> None:
    for name, meant in meant_commands._MEANINGS.items():
        assert name not in COMMANDS
        for command in meant.split("` or `venvstacks "):
            assert command.split()[0] in COMMANDS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("deploy x frog --to d", "hint: applications are named by --app NAME\n"),
        ("deploy x --launcher d", "--launchers"),
        ("build --to x", "error: venvstacks build has no option --to\nhint: it is an option of deploy\n"),
        ("status x y", "hint: `venvstacks status -h` lists commands and options\n"),
    ],
)
def test_what_does_not_belong_to_a_command_is_said_to_belong_elsewhere(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(arguments.split()) == 2
    assert said in capsys.readouterr().err
