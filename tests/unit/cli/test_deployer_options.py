"""The deployer has the commands and options of the command line, with the same help."""

from __future__ import annotations

import argparse

import pytest
from typer.main import get_command

from venvstacks.cli.app import make_app
from venvstacks.cli.deployer_program import make_parser

COMMANDS = ["deploy", "rollback", "status", "remove", "collect", "exec"]
OTHER_HELP = {"--json", "--limit-rate", "--no-isolated", "--quiet"}


def ours(name: str) -> argparse.ArgumentParser:
    (commands,) = (one for one in make_parser("1")._actions if isinstance(one, argparse._SubParsersAction))
    parser: argparse.ArgumentParser = commands.choices[name]
    return parser


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_those_of_the_command_line(name: str) -> None:
    command = get_command(make_app([name])).commands[name]  # type: ignore[attr-defined]
    parser = ours(name)
    actions = {option: one for one in parser._actions for option in one.option_strings or [one.metavar]}
    for parameter in command.params:
        names = [*parameter.opts, *parameter.secondary_opts]
        if parameter.param_type_name == "argument":
            names = [parameter.metavar]
        known = [each for each in names if each in actions]
        assert known, f"{name} lacks {names}"
        assert known[0] in OTHER_HELP or actions[known[0]].help == parameter.help
    assert parser.description == command.help
    theirs = {each for one in command.params for each in (*one.opts, *one.secondary_opts, one.metavar)}
    assert {*actions} - theirs == {"-h", "--help", "-q", "--quiet"}
