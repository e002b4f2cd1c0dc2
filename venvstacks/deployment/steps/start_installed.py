"""Start an installed application."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from venvstacks._injected import postinstall
from venvstacks.deployment.offers import find_application
from venvstacks.deployment.steps.generations import require_current
from venvstacks.deployment.steps.place import Place
from venvstacks.errors import DeployError, UsageError
from venvstacks.linking.launch_command import launch_environment, launch_options
from venvstacks.tools.process import become

_MEND = "see what is damaged with `venvstacks status --verify`, and deploy again with --repair"


@dataclass(frozen=True)
class StartCommand:
    """How an application is started.

    Attributes:
        python: Its Python, in the store: a later deploy does not change what runs.
        module: Its launch module.
        py_version: Version of that Python, `X.Y.Z`.
    """

    python: Path
    module: str
    py_version: str


def find_start_command(place: Place, name: str) -> StartCommand:
    """How the installed application of that name is started.

    The files with absolute paths in its layers are first renewed, since the deployment may have been moved.

    Raises:
        UsageError: There is no such application.
        DeployError: Nothing is installed, or what is installed is damaged.
    """
    current = require_current(place)
    found = find_application(name, current.applications)
    if found is None:
        known = ", ".join(current.applications) or "none"
        raise UsageError(f"there is no application '{name}' in {place.root}", hint=f"installed applications: {known}")
    id_ = current.applications[found]
    application = current.by_id[id_]
    folder = place.instance(id_, application.target)
    try:
        for lower in application.lower.items():
            postinstall.relink(place.instance(lower[1], lower[0]))
        postinstall.relink(folder)
        config = postinstall.load_layer_config(folder)
    except postinstall.PostInstallError as error:
        moved = "if the deployment was moved, start it once as somebody who may write there; else"
        raise _not_startable(name, str(error), f"{moved} {_MEND}") from error
    for program in (config["python"], config["base_python"]):
        if not os.access(folder / program, os.X_OK):
            raise _not_startable(name, f"{folder / program} is missing or not executable", _MEND)
    return StartCommand(folder / config["python"], application.launch_module or "", config["py_version"])


def _not_startable(name: str, why: str, hint: str) -> DeployError:
    return DeployError(f"application '{name}' cannot be started: {why}", hint=hint)


def become_installed(
    command: StartCommand, arguments: Sequence[str], variables: Mapping[str, str], *, isolated: bool = True
) -> NoReturn:
    """Replace this process by an installed application.

    Args:
        command: How it is started.
        arguments: For the application.
        variables: Its environment variables.
        isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.
    """
    options = launch_options(command.py_version, command.module, isolated=isolated)
    become([command.python, *options, *arguments], launch_environment(variables, isolated=isolated))
