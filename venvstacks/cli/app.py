"""The command line, put together for what was asked: typer takes longer for all commands than most of them run."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated

import typer

from venvstacks.cli import declared_options as o
from venvstacks.cli.colours import Colour, choose
from venvstacks.cli.help_format import App, Group
from venvstacks.cli.verbosity import Verbosity

# In the order of the help: each command's module and function.
COMMANDS = {
    "init": "init_commands:init",
    "show": "stack_commands:show",
    "lock": "lock_command:lock",
    "build": "stack_commands:build",
    "publish": "stack_commands:publish",
    "local-export": "stack_commands:local_export",
    "plan": "plan_commands:plan",
    "why": "plan_commands:why",
    "cache-key": "plan_commands:cache_key",
    "clean": "clean_command:clean",
    "cache": "cache_command:cache",
    "join": "join_command:join",
    "verify": "verify_command:verify",
    "doctor": "doctor_command:doctor",
    "tree": "look_commands:tree",
    "diff": "look_commands:diff",
    "report": "look_commands:report",
    "licenses": "supply_commands:licenses",
    "sbom": "supply_commands:sbom",
    "audit": "supply_commands:audit",
    "schema": "init_commands:schema",
    "worker": "worker_command:worker",
    "run": "stack_commands:run",
    "watch": "watch_command:watch",
    "deploy": "deploy_commands:deploy",
    "activate": "deploy_commands:activate",
    "rollback": "deploy_commands:rollback",
    "status": "deploy_commands:status",
    "remove": "deploy_commands:remove",
    "collect": "deploy_commands:collect",
    "exec": "deploy_commands:execute",
    "deployer": "deployer_command:deployer",
    "bundle": "bundle_command:bundle",
    "keys": "signing_commands:keys",
    "sign": "signing_commands:sign",
}
_PASSING_ON = {"run", "exec"}  # what they do not know is for the application
_COLOUR = "--color"
_COMMON = {"-q", "--quiet", "-v", "-vv", "--verbose"}
_LOOK = "Look into stacks"
_CHECK = "Plan and check"
_PANELS = {
    "plan_commands": _CHECK,
    "verify_command": _CHECK,
    "doctor_command": _CHECK,
    "cache_command": _CHECK,
    "deploy_commands": "Deployments",
    "deployer_command": "Deployments",
    "bundle_command": "Deployments",
    "signing_commands": "Signed publications",
    "look_commands": _LOOK,
    "supply_commands": _LOOK,
}


def make_app(arguments: Sequence[str] = ()) -> App:
    """The command line with the command that `arguments` name; with all of them, if that is none.

    Args:
        arguments: As they follow the program's name. No option before a command takes a value.
    """
    app = App(
        name="venvstacks",
        cls=Group,
        help="Lock, build, link and publish layered Python environments.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(common)
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name in [asked] if asked in COMMANDS else COMMANDS:
        home, _, function = COMMANDS[name].partition(":")
        command = getattr(importlib.import_module(f"venvstacks.cli.{home}"), function)
        settings = {"ignore_unknown_options": True} if name in _PASSING_ON else {}
        app.command(name, rich_help_panel=_PANELS.get(home), context_settings=settings)(command)
    return app


def common_options_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with `-q`, `-v` and `--color` before the command, wherever they were given.

    What an application is started with stays as it is, and so does everything after `--`.
    """
    arguments = _with_whole_colour(arguments)
    command = next((place for place, argument in enumerate(arguments) if not argument.startswith("-")), len(arguments))
    if command == len(arguments) or arguments[command] in _PASSING_ON:
        return list(arguments)
    end = arguments.index("--", command) if "--" in arguments[command:] else len(arguments)
    is_common = [argument in _COMMON or argument.startswith(f"{_COLOUR}=") for argument in arguments[command:end]]
    options = [argument for argument, first in zip(arguments[command:end], is_common, strict=True) if first]
    rest = [argument for argument, first in zip(arguments[command:end], is_common, strict=True) if not first]
    return [*arguments[:command], *options, *rest, *arguments[end:]]


def _with_whole_colour(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--color WHEN` as one word, up to what is for an application."""
    found: list[str] = []
    for place, argument in enumerate(arguments):
        if argument == "--" or argument in _PASSING_ON:
            return [*found, *arguments[place:]]
        if found and found[-1] == _COLOUR:
            found[-1] = f"{_COLOUR}={argument}"
        else:
            found.append(argument)
    return found


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    if wanted:
        from venvstacks.cli.version import show_version  # noqa: PLC0415 - other commands do not need it

        raise typer.Exit(show_version())


def common(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - handled while it is parsed
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = Colour.AUTO,
) -> None:
    """Accept the options that come before the command."""
    choose(color)
    context.color = None if color is Colour.AUTO else color is Colour.ALWAYS
    context.obj = Verbosity(quiet=quiet, verbose=verbose)
