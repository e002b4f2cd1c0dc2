"""`deployer`: the deploying part of this program as one file."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from venvstacks.cli.printable import print_message
from venvstacks.errors import ExitCode


def deployer(
    context: typer.Context,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="The file to write.")
    ] = Path("venvstacks-deploy.pyz"),
) -> int:
    """Write a single file that deploys with any Python from 3.9 on."""
    from venvstacks.bundling.deployer_file import write_deployer  # noqa: PLC0415 - not for the help

    made = write_deployer(output, version("venvstacks"))
    if not context.obj.quiet:
        print_message(f"{made.path}: {made.size / 1e3:.0f} kB")
        packages = made.packages
        if packages.versions:
            names = " and ".join(f"{name} {number}" for name, number in packages.versions.items())
            print_message(f"verifies signed publications with Python 3.{packages.oldest} and later ({names})")
        else:
            print_message(
                "deploys no signed publications: the packages that verify them are not installed here "
                "(pip install 'venvstacks[sign]')"
            )
    return ExitCode.DONE
