"""`deployer`: the deploying part of this program as one file."""

from __future__ import annotations

from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from venvstacks.cli.printable import print_message
from venvstacks.errors import ExitCode

if TYPE_CHECKING:
    from venvstacks.bundling.verifying_packages import VerifyingPackages


class OldestPython(StrEnum):
    """The oldest Python that a deployer verifies signatures with."""

    PYTHON_3_9 = "3.9"
    PYTHON_3_10 = "3.10"


def deployer(
    context: typer.Context,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="The file to write.")
    ] = Path("venvstacks-deploy.pyz"),
    oldest_python: Annotated[
        OldestPython,
        typer.Option(
            "--oldest-python",
            metavar="VERSION",
            help="Oldest Python that verifies signatures; for 3.9, older packages are fetched in addition.",
        ),
    ] = OldestPython.PYTHON_3_9,
) -> int:
    """Write a single file that deploys with any Python from 3.9 on."""
    from venvstacks.bundling.deployer_file import write_deployer  # noqa: PLC0415 - not for the help

    older = _older_packages(output) if oldest_python is OldestPython.PYTHON_3_9 else None
    made = write_deployer(output, version("venvstacks"), older)
    if not context.obj.quiet:
        print_message(f"{made.path}: {made.size / 1e3:.0f} kB")
        if made.packages:
            sets = " / ".join(
                " and ".join(f"{name} {one}" for name, one in each.versions.items()) for each in made.packages
            )
            oldest = min(each.oldest for each in made.packages)
            print_message(f"verifies signed publications with Python 3.{oldest} and later ({sets})")
        else:
            print_message(
                "deploys no signed publications: the packages that verify them are not installed here "
                "(pip install 'venvstacks[sign]')"
            )
    return ExitCode.DONE


def _older_packages(output: Path) -> VerifyingPackages | None:
    """What verifies signatures on Python 3.9 if the installed packages cannot; None without any."""
    from venvstacks.api.deployment_options import DeployOptions  # noqa: PLC0415 - not for the help
    from venvstacks.bundling.older_packages import OLDEST, older_packages  # noqa: PLC0415
    from venvstacks.bundling.verifying_packages import installed_packages  # noqa: PLC0415
    from venvstacks.tools.process import Processes  # noqa: PLC0415

    installed = installed_packages()
    if not installed.versions or installed.oldest <= OLDEST:
        return None
    return older_packages(output.absolute().parent, DeployOptions().environment, Processes())
