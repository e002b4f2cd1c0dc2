"""The command line is put together for the command that was asked for."""

from __future__ import annotations

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from venvstacks.cli.app import COMMANDS, common_options_first, make_app


def test_help_knows_all_commands() -> None:
    group = get_command(make_app(["--help"]))
    assert list(group.commands) == list(COMMANDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_loaded_alone(name: str) -> None:
    group = get_command(make_app(["-v", name, "whatever"]))
    assert list(group.commands) == [name]  # type: ignore[attr-defined]
    assert f"venvstacks {name}" in CliRunner().invoke(make_app([name]), [name, "-h"], prog_name="venvstacks").output


def test_for_an_unknown_command_all_commands_are_searched() -> None:
    done = CliRunner().invoke(make_app(["publsh"]), ["publsh"])
    assert "did you mean 'publish'?" in str(done.exception)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("build x.toml -q --clean", "-q build x.toml --clean"),
        ("-v build x.toml --verbose", "-v --verbose build x.toml"),
        ("run x.toml app -v", "run x.toml app -v"),
        ("exec app -q", "exec app -q"),
        ("show x.toml -- -v", "show x.toml -- -v"),
        ("build x.toml --color never", "--color=never build x.toml"),
        ("--color always build x.toml --color=never -q", "--color=always --color=never -q build x.toml"),
        ("run x.toml app --color never", "run x.toml app --color never"),
        ("-q", "-q"),
        ("", ""),
    ],
)
def test_quiet_and_verbose_are_taken_after_the_command_too(given: str, expected: str) -> None:
    assert common_options_first(given.split()) == expected.split()


FLAGS_TO_TURN_OFF = {
    "show": "no-allow-missing no-json",
    "lock": "no-allow-missing no-clean no-if-needed no-json no-show no-show-only",
    "build": "no-allow-missing no-clean no-json no-show no-show-only no-tag-outputs",
    "publish": "no-allow-missing no-dry-run no-force no-json no-show no-show-only no-tag-outputs",
    "local-export": "no-allow-missing no-dry-run no-force no-json no-show no-show-only",
}


@pytest.mark.parametrize(("name", "options"), FLAGS_TO_TURN_OFF.items())
def test_all_spellings_of_the_original_s_flags_are_taken(name: str, options: str) -> None:
    group = get_command(make_app([name]))
    known = {text for option in group.commands[name].params for text in option.secondary_opts}  # type: ignore[attr-defined]
    assert known >= {f"--{option}" for option in options.split()}
