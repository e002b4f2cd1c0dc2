"""The deployer has the commands and options of the command line, with the same help."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from venvstacks.cli import deployer_program
from venvstacks.cli.app import make_app
from venvstacks.cli.bundle_program import make_bundle_parser
from venvstacks.cli.deployer_program import make_parser
from venvstacks.deployment.steps.bundled_source import BundledSource, BundleIndex

COMMANDS = ["deploy", "activate", "rollback", "status", "remove", "collect", "exec"]
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


def test_a_bundle_has_the_options_of_deploy_that_fit() -> None:
    index = BundleIndex("somewhere", "linux_x86_64", ("frog", "newt"), (), {})
    parser = make_bundle_parser(BundledSource("b.run", Path(), index), "sh b.run")
    found = {option for one in parser._actions for option in one.option_strings}
    whole = {option for one in ours("deploy")._actions for option in one.option_strings}
    assert whole - found == {"--app", "--limit-rate", "--to"}
    assert found <= whole
    assert [one.metavar for one in parser._actions if not one.option_strings] == ["DIR"]
    assert "Install frog, newt" in parser.format_help()


def test_names_do_not_fail_on_the_encoding_of_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, "ascii"))
    monkeypatch.setitem(deployer_program._COMMANDS, "status", lambda given: int(not sys.stdout.write(given.folder)))
    given = argparse.Namespace(command="status", folder="d\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert deployer_program.run_command(given) == 0
    assert written.getvalue().split() == [b"d\\xe9"]
