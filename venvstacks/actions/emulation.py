"""Commands that start the Python of a layer, also one for another machine, through an emulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from venvstacks.errors import BuildError
from venvstacks.model.conventions import WRAPPED_FOLDER
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer


def find_emulator(emulator: tuple[str, ...], platform: TargetPlatform, base: Path, path: str | None) -> tuple[str, ...]:
    """The command that starts programs of the platform, with the whole path of its program; empty for none.

    Args:
        emulator: The command as it is configured.
        platform: The platform, for messages.
        base: The specification's folder, which a program with a `/` is relative to.
        path: The `PATH` that other programs are looked for on.

    Raises:
        BuildError: There is no such program.
    """
    if not emulator:
        return ()
    from shutil import which  # noqa: PLC0415 - for few builds

    name, *arguments = emulator
    found = which(str(base / name) if "/" in name else name, path=path)
    if found is None:
        raise BuildError(
            f"the emulator '{name}' of {platform.name} is not on this machine",
            hint="install it, or leave it out of `emulators`: layers are then checked without being started",
        )
    return (found, *arguments)


@dataclass(frozen=True)
class StartedPython:
    """A Python to start.

    Attributes:
        command: The start of its command line.
        variables: What its environment needs in addition.
    """

    command: tuple[str | Path, ...]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


def started_python(
    layer: Layer, platform: TargetPlatform, environment: Path, emulator: tuple[str, ...], config: Mapping[str, Any]
) -> StartedPython:
    """An environment's Python; where its wrapper, a script, cannot be emulated, what the wrapper would start.

    Args:
        layer: The layer.
        platform: Its platform.
        environment: Its environment.
        emulator: The command that starts programs of the platform; empty for none.
        config: The description of the linked environment.
    """
    variable = platform.dynamic_library_variable
    if not (emulator and variable and config.get("dynlib_path")):
        return StartedPython((*emulator, environment / config["python"]))
    inner = environment / WRAPPED_FOLDER / layer.python.versioned_name
    folder = str(environment / config["dynlib_path"])
    return StartedPython((*emulator, inner), {variable: folder, "VENVSTACKS_LIBRARY_PATH": folder})
