"""The command line of a bundle: it deploys what is in the bundle, and changes the deployment afterwards.

A shell script or a command file starts it, with the temporary folder that the Python is in (empty if it is to stay)
and the bundle before the arguments of the user.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import NoReturn

from venvstacks.cli import leave_at_signals
from venvstacks.cli.deployer_program import make_parser, make_update_parser, run_command
from venvstacks.cli.error_boundary import guarded, settle_streams
from venvstacks.deployment.steps.bundled_source import BundledSource, open_bundle
from venvstacks.errors import DeployError, ExitCode

_OTHER_COMMANDS = ("rollback", "status", "remove", "collect")


def main(version: str) -> NoReturn:
    """Run the command line of a bundle.

    Args:
        version: The version of this program.
    """
    leave_at_signals()
    settle_streams()
    scratch, bundle, *arguments = sys.argv[1:]

    def clean_up() -> None:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)

    try:
        code = guarded(lambda: _run(Path(bundle), arguments, version), clean_up)
    finally:
        clean_up()
    sys.exit(code)


def _run(place: Path, arguments: list[str], version: str) -> int:
    program = "install.cmd" if place.is_dir() else f"sh {place.name}"
    if arguments[:1] and arguments[0] in _OTHER_COMMANDS:
        return run_command(make_parser(version, program).parse_args(arguments))
    bundle = open_bundle(place)
    if bundle is None:
        raise DeployError(f"there is nothing to install in {place}", hint="copy or download the bundle again")
    parser = make_bundle_parser(bundle, program)
    if not arguments:
        parser.print_help()
        return int(ExitCode.USAGE)
    given = parser.parse_args(arguments)
    given.source, given.app, given.limit_rate = bundle.label, list(bundle.index.applications), None
    given.command = "deploy"
    return run_command(given)


def make_bundle_parser(bundle: BundledSource, program: str) -> argparse.ArgumentParser:
    """The parser for deploying.

    Args:
        bundle: The bundle.
        program: How it is started.
    """
    names = ", ".join(bundle.index.applications)
    parser = make_update_parser(program, f"Install {names}, or update it, with all that it needs; all or nothing.")
    parser.add_argument("to", metavar="DIR", type=Path, help="Folder to deploy to.")
    commands = ", ".join(_OTHER_COMMANDS)
    parser.epilog = f"Commands for a deployment, each with -h for its own options: {program} COMMAND DIR ({commands})."
    return parser
