"""Start an application in its build environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from venvstacks._injected import postinstall
from venvstacks.errors import LinkError
from venvstacks.linking.launch_command import launch_environment, launch_options
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.tools.process import become


def become_application(
    layer: Layer,
    platform: TargetPlatform,
    environment: Path,
    arguments: Sequence[str],
    variables: Mapping[str, str],
    *,
    isolated: bool = True,
) -> NoReturn:
    """Replace this process by the application.

    The files with absolute paths in its environments are first renewed, since the build folder may have been moved.

    Args:
        layer: The application.
        platform: The platform of this machine.
        environment: Its built environment; those of the layers below lie beside it.
        arguments: For the application.
        variables: Its environment variables.
        isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.

    Raises:
        LinkError: The environment is not what it should be.
    """
    assert layer.launch is not None  # noqa: S101 - only applications are started
    try:
        for name in (*(lower.env_name for lower in reversed(layer.below)), layer.env_name):
            postinstall.relink(environment.with_name(name))
    except postinstall.PostInstallError as error:
        raise LinkError(f"layer '{layer.name}': {error}", hint="build the layer again") from error
    python = environment / EnvironmentLayout.of(layer, platform).python
    options = launch_options(layer.python.version, layer.launch.module, isolated=isolated)
    become([python, *options, *arguments], launch_environment(variables, isolated=isolated))
