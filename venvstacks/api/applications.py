"""Applications in their build environments: found by name, and started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from venvstacks.actions.launch import become_application
from venvstacks.errors import UsageError
from venvstacks.loading.project import Project
from venvstacks.model.stack import Layer


def find_application(project: Project, name: str) -> Layer:
    """The application of that layer or environment name, if it is made for this machine.

    Raises:
        UsageError: There is none.
    """
    applications = [layer for layer in project.stack.layers if layer.kind == "application"]
    for layer in applications:
        if name in {layer.name, layer.env_name}:
            if project.configuration.platform in layer.platforms:
                return layer
            told = ", ".join(target.name for target in layer.platforms) or "no platform at all"
            raise UsageError(f"application '{layer.name}' is not made for this machine", hint=f"it is for {told}")
    known = ", ".join(layer.name for layer in applications) or "none"
    raise UsageError(f"there is no application '{name}'", hint=f"applications: {known}")


def start_application(project: Project, layer: Layer, arguments: Sequence[str], *, isolated: bool = True) -> NoReturn:
    """Replace this process by an application in its build environment, which must be up to date.

    Args:
        project: The project.
        layer: The application.
        arguments: For the application.
        isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.

    Raises:
        LinkError: The environment is not what it should be.
    """
    platform, environment = project.configuration.platform, project.configuration.layout.environment(layer)
    assert platform is not None  # noqa: S101 - find_application has seen to it
    place = project.base / environment
    become_application(layer, platform, place, arguments, project.environment, isolated=isolated)
