"""Starting an installed application: its command line, found in the current generation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from venvstacks._injected import postinstall
from venvstacks.deployment.offers import find_application
from venvstacks.deployment.steps.generations import require_current
from venvstacks.deployment.steps.moved_layers import layer_config, python_home, write_generated_files
from venvstacks.deployment.steps.place import Place
from venvstacks.errors import DeployError, UsageError
from venvstacks.linking.launch_command import launch_options

_MEND = "see what is damaged with `venvstacks status --verify`, and deploy again with --repair"


@dataclass(frozen=True)
class StartCommand:
    """How an application is started.

    Attributes:
        python: Its Python, in the store, so that a later deploy does not change a running application.
        module: Its launch module.
        py_version: Version of that Python, `X.Y.Z`.
        variables: What has to be in its environment.
    """

    python: Path
    module: str
    py_version: str
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def argv(self, arguments: Sequence[str], *, isolated: bool = True) -> list[str]:
        """The command line, with arguments for the application.

        Args:
            arguments: For the application.
            isolated: Whether it imports nothing from the current folder.
        """
        return [str(self.python), *launch_options(self.py_version, self.module, isolated=isolated), *arguments]


def find_start_command(place: Place, name: str, *, with_variables: bool = False) -> StartCommand:
    """How the installed application of that name is started; one of its launch names may follow after a colon.

    If the deployment was moved, the generated files of its layers are first written again.

    Args:
        place: The deployment.
        name: The application.
        with_variables: Whether an environment variable may stand in for generated files that cannot be written.

    Raises:
        UsageError: There is no such application.
        DeployError: Nothing is installed, or it is damaged or cannot be read.
    """
    current = require_current(place)
    name, _, launch = name.partition(":")
    found = find_application(name, current.applications)
    if found is None:
        known = ", ".join(current.applications) or "none"
        raise UsageError(f"there is no application '{name}' in {place.root}", hint=f"installed applications: {known}")
    id_ = current.applications[found]
    application = current.by_id[id_]
    folder = place.instance(id_, application.target)
    lower = [place.instance(below, target) for target, below in application.lower.items()]
    try:
        variables = _mended(folder, lower, with_variables=with_variables)
        config = layer_config(folder)
    except postinstall.PostInstallError as error:
        moved = "if the deployment was moved, start it once as somebody who may write there; else"
        raise _not_startable(name, str(error), f"{moved} {_MEND}") from error
    for program in (config["python"], config["base_python"]):
        if not os.access(folder / program, os.X_OK):
            raise _not_startable(name, f"{folder / program} is missing or not executable", _MEND)
    names = config.get("launch_names") or {}
    if launch and launch not in names:
        known = ", ".join(names) or "none"
        raise UsageError(f"application '{name}' has no launch name '{launch}'", hint=f"launch names: {known}")
    module = names[launch] if launch else application.launch_module or ""
    return StartCommand(folder / config["python"], module, config["py_version"], variables)


def _mended(folder: Path, lower: Sequence[Path], *, with_variables: bool) -> dict[str, str]:
    """Write the generated files of a layer and of those below where they are another place's.

    Returns:
        The variables that stand in for files that cannot be written; only `with_variables`.

    Raises:
        PostInstallError: They cannot be written, and no variable says the same.
    """
    try:
        for layer in (*lower, folder):
            write_generated_files(layer)
    except postinstall.PostInstallError:
        home = python_home(folder, layer_config(folder)) if with_variables else None
        if home is None:
            raise
        return {"PYTHONHOME": str(home)}
    return {}


def _not_startable(name: str, why: str, hint: str) -> DeployError:
    return DeployError(f"application '{name}' cannot be started: {why}", hint=hint)
