"""The command line of the deployer: the commands about deployments, with the standard library's parser.

Options, their help and what they do are those of `venvstacks`; a test compares them.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from venvstacks.cli import leave_at_signals
from venvstacks.cli.deploy_session import Commands, Folders, Wanted
from venvstacks.cli.error_boundary import guarded, interruptible, settle_streams
from venvstacks.cli.verbosity import Verbosity
from venvstacks.errors import ExitCode, UsageError
from venvstacks.tools.transfer_rate import RATE_VARIABLE, parse_rate

_PROGRAM = "venvstacks-deploy"
_ISOLATING = {"--isolated", "--no-isolated"}


def main(version: str) -> NoReturn:
    """Run the deployer.

    Args:
        version: The version of this program.
    """
    leave_at_signals()
    settle_streams()
    sys.exit(guarded(lambda: _run(sys.argv[1:], version)))


def _run(arguments: list[str], version: str) -> int:
    parser = make_parser(version)
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return int(ExitCode.USAGE)
    return run_command(given)


def run_command(given: argparse.Namespace) -> int:
    """Run a parsed command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names must not fail on the encoding of a terminal or a pipe
    code = interruptible(lambda: int(_COMMANDS[given.command](given)))
    sys.stdout.flush()
    return code


def quickly_parsed(arguments: Sequence[str]) -> Callable[[], int] | None:
    """A command about deployments as `venvstacks` runs it, but without its parser: that takes longer than most of them.

    Args:
        arguments: As they follow `venvstacks`.

    Returns:
        What runs it; None for all other commands, and where that parser has to say what is wrong, or shows help.
    """
    if not arguments or arguments[0] not in _COMMANDS or not _have_one_meaning(arguments):
        return None
    try:
        given = make_parser("").parse_args(arguments)
    except UsageError:
        return None
    return lambda: int(_COMMANDS[given.command](given))


def _have_one_meaning(arguments: Sequence[str]) -> bool:
    """Whether both parsers understand arguments alike: they differ in which ones belong to the started application."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if set(arguments[:end]) & {"-h", "--help"}:
        return False
    if arguments[0] != "exec":
        return True
    place = [argument.startswith("-") for argument in arguments[1:3]]
    return place == [False, False] and end in {3, len(arguments)} and not set(arguments[:end]) & _ISOLATING


class Parser(argparse.ArgumentParser):
    """A parser whose faults are errors of this program; options are not abbreviated."""

    def __init__(self, *, allow_abbrev: bool = False, **more: Any) -> None:  # noqa: ANN401 - as argparse takes them
        super().__init__(allow_abbrev=allow_abbrev, **more)

    def error(self, message: str) -> NoReturn:
        """Report what is wrong with the arguments."""
        raise UsageError(message, hint=f"`{self.prog} -h` lists commands and options")


def make_parser(version: str, program: str = _PROGRAM) -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = Parser(prog=program, description="Put published applications on this machine, and keep them up to date.")
    parser.add_argument("--version", "-V", action="version", version=f"{program} {version}")
    common, waiting = _common_options(), _waiting_options()
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, help_: str, *parents: Parser, folder: bool = True) -> Parser:
        made: Parser = commands.add_parser(name, help=help_, description=help_, parents=[common, *parents])
        if folder:
            made.add_argument("folder", metavar="DIR", type=Path, help="Folder of the deployment.")
        return made

    what = "Put published applications on this machine, with the layers they need; all or nothing."
    _add_deploy_options(command("deploy", what, waiting, folder=False))
    what = "Make current what `deploy --later` has prepared."
    _add_health_check(command("activate", what, waiting))
    rollback = command("rollback", "Go back to what was installed before the last change.", waiting)
    what = "A kept generation other than the previous one."
    rollback.add_argument("--generation", metavar="N", type=int, help=what)
    status = command("status", "Show what is installed, and why.")
    _flag(status, "--verify", "Compare every file with the manifests.")
    _flag(status, "--json", "Print the result as JSON.")
    remove = command("remove", "Uninstall applications, and the layers that nothing needs any more.", waiting)
    remove.add_argument("--app", metavar="NAME", action="append", help="Application; repeatable.")
    _flag(remove, "--purge", "Remove the whole deployment, for good: all that it has written.")
    command("collect", "Remove what neither the current nor the previous generation needs.", waiting)
    execute = command("exec", "Start an installed application.")
    what = "Let PYTHONPATH and PYTHONHOME reach the application."
    execute.add_argument("--no-isolated", dest="isolated", action="store_false", help=what)
    execute.add_argument("application", metavar="APP", help="Installed application to start.")
    execute.add_argument("arguments", metavar="[-- ARGS]", nargs=argparse.REMAINDER, help="Its arguments.")
    return parser


def _common_options() -> Parser:
    common = Parser(add_help=False)
    common.add_argument("-q", "--quiet", action="store_true", help="Print errors only.")
    return common


def _waiting_options() -> Parser:
    waiting = Parser(add_help=False)
    _flag(waiting, "--no-wait", "Fail if another process is changing the deployment.")
    return waiting


def make_update_parser(program: str, description: str) -> Parser:
    """A parser with the options of `deploy` that do not depend on the source."""
    parser = Parser(prog=program, description=description, parents=[_common_options(), _waiting_options()])
    _add_update_options(parser)
    return parser


def _flag(parser: argparse.ArgumentParser, name: str, help_: str) -> None:
    parser.add_argument(name, action="store_true", help=help_)


def _add_health_check(parser: argparse.ArgumentParser) -> None:
    what = "Shell command that has to succeed after the switch; else what was installed before becomes current."
    parser.add_argument("--health-check", metavar="CMD", help=what)


def _add_deploy_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="SOURCE", help="Folder or http(s) URL of published artifacts.")
    add("--to", metavar="DIR", type=Path, required=True, help="Folder to deploy to.")
    what = "Application to install or update; repeatable. Default: those that are installed; all, if none is."
    add("--app", metavar="NAME", action="append", help=what)
    what = "Bytes per second that may be downloaded, e.g. 500k or 2M."
    add("--limit-rate", metavar="RATE", help=f"{what} Environment variable: {RATE_VARIABLE}.")
    _add_update_options(parser)


def _add_update_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    _flag(parser, "--repair", "Look for damaged files first, and replace them.")
    _flag(parser, "--sync", "Wait until everything is on the disk before the switch.")
    _flag(parser, "--allow-downgrade", "Let an older release replace a newer one.")
    _flag(parser, "--check", "Say whether there is something newer, and exit with 10 if so; do nothing.")
    _flag(parser, "--dry-run", "Say what would change; do nothing.")
    what = "Folder for a launcher of each installed application."
    add("--launchers", metavar="DIR", type=Path, help=what)
    what = "Folder for desktop entries; default that of launchers."
    add("--desktop-entries", metavar="DIR", type=Path, help=what)
    _add_health_check(parser)
    _flag(parser, "--later", "Only prepare the new generation; `activate` makes it current.")
    what = "Whose signatures to trust: a file with the root metadata, or its fingerprint."
    add("--trust", metavar="ROOT", help=what)
    _flag(parser, "--json", "Print the result as JSON.")


def _commands(given: argparse.Namespace) -> Commands:
    limit = getattr(given, "limit_rate", None)
    rate = None if limit is None else parse_rate(limit)
    return Commands(
        Verbosity(quiet=given.quiet),
        no_wait=getattr(given, "no_wait", False),
        json=getattr(given, "json", False),
        limit_rate=rate,
    )


def _deploy(given: argparse.Namespace) -> ExitCode:
    wanted = Wanted(given.source, given.to, tuple(given.app) if given.app else None, given.trust)
    if given.check or given.dry_run:
        return _commands(given).preview(wanted, as_exit_code=given.check)
    flags = {
        "repair": given.repair,
        "synchronise": given.sync,
        "allow_downgrade": given.allow_downgrade,
        "later": given.later,
    }
    return _commands(given).deploy(wanted, Folders(given.launchers, given.desktop_entries), given.health_check, **flags)


def _remove(given: argparse.Namespace) -> ExitCode:
    if given.purge == bool(given.app):
        raise UsageError("remove needs either --app or --purge", hint="--purge removes all applications")
    commands = _commands(given)
    return commands.purge(given.folder) if given.purge else commands.remove(given.folder, tuple(given.app))


def _execute(given: argparse.Namespace) -> NoReturn:
    arguments = given.arguments[1:] if given.arguments[:1] == ["--"] else given.arguments
    from venvstacks.api.installed_applications import execute  # noqa: PLC0415 - other commands do without

    execute(given.folder, given.application, tuple(arguments), isolated=given.isolated)


_COMMANDS = {
    "deploy": _deploy,
    "activate": lambda given: _commands(given).activate(given.folder, given.health_check),
    "rollback": lambda given: _commands(given).rollback(given.folder, given.generation),
    "status": lambda given: _commands(given).status(given.folder, verify=given.verify),
    "remove": _remove,
    "collect": lambda given: _commands(given).collect(given.folder),
    "exec": _execute,
}
