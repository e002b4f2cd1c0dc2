"""The command that starts an application in its built or exported environment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from venvstacks._injected import postinstall
from venvstacks.errors import LinkError
from venvstacks.linking.launch_command import launch_options
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer


def launch_command(
    layer: Layer, platform: TargetPlatform, environment: Path, arguments: Sequence[str], *, isolated: bool = True
) -> list[str]:
    """The command that starts an application: its Python, options, launch module and arguments.

    The files with absolute paths in its environments are first renewed, since the folder may have been moved.

    Args:
        layer: The application.
        platform: The platform of this machine.
        environment: Its environment; those of the layers below are in the same folder.
        arguments: For the application.
        isolated: Whether the current folder is kept out of its imports.

    Raises:
        LinkError: The environment is missing or damaged.
    """
    assert layer.launch is not None  # noqa: S101 - only applications are started
    try:
        for name in (*(lower.env_name for lower in reversed(layer.below)), layer.env_name):
            postinstall.relink(environment.with_name(name))
    except postinstall.PostInstallError as error:
        raise LinkError(f"layer '{layer.name}': {error}", hint="build or export the layer again") from error
    python = environment / EnvironmentLayout.of(layer, platform).python
    return [str(python), *launch_options(layer.python.version, layer.launch.module, isolated=isolated), *arguments]
