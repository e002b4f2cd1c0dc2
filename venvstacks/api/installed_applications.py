"""Starting installed applications: as a command line for other programs, or in place of this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from venvstacks.deployment.steps import start_installed as starting
from venvstacks.deployment.steps.generations import look
from venvstacks.deployment.steps.place import open_place
from venvstacks.linking.launch_command import launch_environment
from venvstacks.tools.process import become


def start_command(
    folder: Path | str, application: str, arguments: Sequence[str] = (), *, isolated: bool = True
) -> list[str]:
    """The command line that starts an installed application, for `subprocess`.

    It names the application's files in the store. They stay there until the second change of the deployment, so ask
    for the command line each time before an application is started.

    Args:
        folder: The deployment.
        application: Its layer name.
        arguments: For the application.
        isolated: Whether the current folder is kept from its imports. For `PYTHONPATH` and `PYTHONHOME`, which have to
            be kept from it too, see `start_environment`.

    Raises:
        UsageError: There is no such application.
        DeployError: What is installed is damaged, or cannot be read.
    """
    place = open_place(Path(folder))
    return look(place, lambda: starting.find_start_command(place, application)).argv(arguments, isolated=isolated)


def start_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment variables for what `start_command` returns: without those that redirect a Python's imports.

    Args:
        variables: To begin with; None for those of this process.
    """
    return launch_environment(os.environ if variables is None else variables)


def execute(folder: Path | str, application: str, arguments: Sequence[str] = (), *, isolated: bool = True) -> NoReturn:
    """Replace this process by an installed application.

    Args:
        folder: The deployment.
        application: Its layer name.
        arguments: For the application.
        isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.

    Raises:
        UsageError: There is no such application.
        DeployError: What is installed is damaged, or cannot be read.
        ProcessFailedError: Its Python cannot be started.
    """
    place = open_place(Path(folder))
    variables = launch_environment(os.environ, isolated=isolated)
    sys.stdout.flush()

    def start() -> NoReturn:
        found = starting.find_start_command(place, application, with_variables=True)
        become(found.argv(arguments, isolated=isolated), {**variables, **found.variables})

    look(place, start)
