"""The command that starts an application in its built or exported environment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from venvstacks._injected import postinstall
from venvstacks.errors import LinkError, UsageError
from venvstacks.linking.launch_command import launch_options
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer


def launch_command(
    layer: Layer,
    platform: TargetPlatform,
    environment: Path,
    arguments: Sequence[str],
    *,
    name: str = "",
    emulator: tuple[str, ...] = (),
    editable: Sequence[Path] = (),
    isolated: bool = True,
) -> list[str]:
    """The command that starts an application: its Python, options, launch module and arguments.

    The files with absolute paths in its environments are first renewed, since the folder may have been moved.

    Args:
        layer: The application.
        platform: The platform of the environment.
        environment: Its environment; those of the layers below are in the same folder.
        arguments: For the application.
        name: The launch name, of several.
        emulator: The command that starts programs of the platform, if it is another machine's.
        editable: Folders that lead imports to projects of own packages, in place of the installed ones.
        isolated: Whether the current folder is kept out of its imports.

    Raises:
        LinkError: The environment is missing or damaged.
        UsageError: There is no such launch name.
    """
    module = layer.launch_names.get(name) if name else layer.launch_module
    if module is None:
        known = ", ".join(layer.launch_names) or "none"
        raise UsageError(f"application '{layer.name}' has no launch name '{name}'", hint=f"launch names: {known}")
    try:
        for each in (*reversed(layer.below), layer):
            postinstall.write_generated_files(environment.with_name(each.env_name))
    except postinstall.PostInstallError as error:
        raise LinkError(f"layer '{layer.name}': {error}", hint="build or export the layer again") from error
    python = _python(layer, platform, environment, emulator)
    options = launch_options(layer.python.version, module, isolated=isolated)
    if editable:
        from venvstacks.actions.wheels.editable import editable_options  # noqa: PLC0415 - for work on packages only

        options = editable_options(editable, module, safe_path=options[0] == "-P")
    return [*python, *options, *arguments]


def _python(layer: Layer, platform: TargetPlatform, environment: Path, emulator: tuple[str, ...]) -> list[str]:
    """The start of the command, which holds the variables that the Python needs for itself."""
    if not emulator:
        return [str(environment / EnvironmentLayout.of(layer, platform).python)]
    from venvstacks.actions.emulation import started_python  # noqa: PLC0415 - for other platforms only

    started = started_python(layer, platform, environment, emulator, postinstall.load_layer_config(environment))
    variables = ["env", *(f"{name}={value}" for name, value in started.variables.items())]
    return [*(variables if started.variables else ()), *map(str, started.command)]
