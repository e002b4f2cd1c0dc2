"""The API of applications in their built or exported environments: find and start them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from venvstacks.actions.launch import launch_command
from venvstacks.errors import UsageError
from venvstacks.linking.launch_command import launch_environment
from venvstacks.loading.project import Project
from venvstacks.model.stack import Layer
from venvstacks.tools.process import become


def find_application(project: Project, name: str) -> Layer:
    """The application of that layer or environment name.

    Raises:
        UsageError: There is none, or it is not made for this machine.
    """
    applications = [layer for layer in project.stack.layers if layer.kind == "application"]
    for layer in applications:
        if name in {layer.name, layer.env_name}:
            if project.configuration.platform in layer.platforms:
                return layer
            targets = ", ".join(target.name for target in layer.platforms) or "no platform at all"
            raise UsageError(f"application '{layer.name}' is not made for this machine", hint=f"it is for {targets}")
    known = ", ".join(layer.name for layer in applications) or "none"
    raise UsageError(f"there is no application '{name}'", hint=f"applications: {known}")


def application_command(
    project: Project,
    application: Layer | str,
    arguments: Sequence[str] = (),
    *,
    exported: bool = False,
    isolated: bool = True,
) -> list[str]:
    """The command that starts an application, as a list for `subprocess`; use it with `application_environment`.

    Args:
        project: The project.
        application: The application, or its name.
        arguments: For the application.
        exported: Whether to start it from its export instead of its built environment.
        isolated: Whether the current folder is kept out of its imports.

    Raises:
        UsageError: There is no such application for this machine.
        LinkError: The environment is missing or damaged.
    """
    layer = find_application(project, application if isinstance(application, str) else application.env_name)
    platform = project.configuration.platform
    assert platform is not None  # noqa: S101 - the application is made for it
    environment = project.export_path(layer) if exported else project.environment_path(layer)
    return launch_command(layer, platform, environment, arguments, isolated=isolated)


def application_environment(project: Project, *, isolated: bool = True) -> dict[str, str]:
    """The environment variables for an application.

    They are those of the project; if `isolated`, without `PYTHONPATH` and `PYTHONHOME`, which would redirect imports.
    """
    return launch_environment(project.environment, isolated=isolated)


def start_application(project: Project, layer: Layer, arguments: Sequence[str], *, isolated: bool = True) -> NoReturn:
    """Replace this process by an application in its built environment, which must be up to date.

    Args:
        project: The project.
        layer: The application.
        arguments: For the application.
        isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.

    Raises:
        UsageError: The application is not made for this machine.
        LinkError: The environment is missing or damaged.
    """
    command = application_command(project, layer, arguments, isolated=isolated)
    become(command, application_environment(project, isolated=isolated))
