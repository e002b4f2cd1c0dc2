"""The API of applications in their built or exported environments: find and start them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from venvstacks.actions.launch import launch_command
from venvstacks.errors import UsageError
from venvstacks.linking.launch_command import launch_environment
from venvstacks.loading.project import Project
from venvstacks.model.stack import Layer
from venvstacks.tools.process import become


def find_application(project: Project, name: str) -> Layer:
    """The application of that layer or environment name; a launch name may follow after a colon.

    Raises:
        UsageError: There is none, or it is not made for this machine.
    """
    applications = [layer for layer in project.stack.layers if layer.kind == "application"]
    base = name.partition(":")[0]
    for layer in applications:
        if base in {layer.name, layer.env_name}:
            if project.configuration.platform in layer.platforms:
                return layer
            targets = ", ".join(target.name for target in layer.platforms) or "no platform at all"
            configuration = project.configuration
            place = configuration.layout.foreign or "this machine"
            raise UsageError(f"application '{layer.name}' is not made for {place}", hint=f"it is for {targets}")
    known = ", ".join(layer.name for layer in applications) or "none"
    raise UsageError(f"there is no application '{name}'", hint=f"applications: {known}")


def application_command(
    project: Project,
    application: Layer | str,
    arguments: Sequence[str] = (),
    *,
    exported: bool = False,
    editable: bool = False,
    isolated: bool = True,
) -> list[str]:
    """The command that starts an application, as a list for `subprocess`; use it with `application_environment`.

    Args:
        project: The project.
        application: The application, or its name, with one of its launch names after a colon if it has several.
        arguments: For the application.
        exported: Whether to start it from its export instead of its built environment.
        editable: Whether its own packages that are projects in folders are imported from there.
        isolated: Whether the current folder is kept out of its imports.

    Raises:
        UsageError: There is no such application for this platform, or no emulator that could start it here.
        LinkError: The environment is missing or damaged.
    """
    name = application if isinstance(application, str) else application.env_name
    layer = find_application(project, name)
    platform = project.configuration.platform
    assert platform is not None  # noqa: S101 - the application is made for it
    environment = project.export_path(layer) if exported else project.environment_path(layer)
    folders = _editable_folders(project, layer) if editable else ()
    return launch_command(
        layer,
        platform,
        environment,
        arguments,
        name=name.partition(":")[2],
        emulator=_emulator(project),
        editable=folders,
        isolated=isolated,
    )


def check_can_start(project: Project) -> None:
    """Refuse a project for another platform whose programs this machine cannot start.

    Raises:
        UsageError: No emulator is named for it.
    """
    configuration = project.configuration
    if not configuration.can_start:
        name = configuration.layout.foreign
        raise UsageError(
            f"this machine cannot start programs of {name}",
            hint=f'name an emulator in [tool.venvstacks]: emulators = {{ {name} = ["qemu-...", "..."] }}; '
            f"or publish for it (`venvstacks publish --platform {name}`), and deploy on a machine of that platform",
        )


def _emulator(project: Project) -> tuple[str, ...]:
    """The command that starts programs of the project's platform; empty if that is this machine's."""
    check_can_start(project)
    configuration = project.configuration
    if configuration.platform is None or not configuration.emulator:
        return ()
    from venvstacks.actions.emulation import find_emulator  # noqa: PLC0415 - for other platforms only

    path = project.environment.get("PATH")
    return find_emulator(configuration.emulator, configuration.platform, project.base, path)


def _editable_folders(project: Project, layer: Layer) -> tuple[Path, ...]:
    from venvstacks.actions.run_options import RunOptions  # noqa: PLC0415 - for work on packages only
    from venvstacks.actions.wheels.wheel_tasks import editable_folders  # noqa: PLC0415
    from venvstacks.planning.requests import task_actions  # noqa: PLC0415

    options = RunOptions(use_index=project.options.use_index, local_wheel_folders=project.local_wheel_folders)
    return editable_folders(task_actions(project, options), layer, project.python_path(layer))


def application_environment(project: Project, *, isolated: bool = True) -> dict[str, str]:
    """The environment variables for an application.

    They are those of the project; if `isolated`, without `PYTHONPATH` and `PYTHONHOME`, which would redirect imports.
    """
    return launch_environment(project.environment, isolated=isolated)


def start_application(
    project: Project,
    layer: Layer | str,
    arguments: Sequence[str],
    *,
    editable: bool = False,
    isolated: bool = True,
) -> NoReturn:
    """Replace this process by an application in its built environment, which must be up to date.

    Args:
        project: The project.
        layer: The application, or its name as for `application_command`.
        arguments: For the application.
        editable: As for `application_command`.
        isolated: Whether the current folder, `PYTHONPATH` and `PYTHONHOME` are kept from it.

    Raises:
        UsageError: The application is not made for this machine.
        LinkError: The environment is missing or damaged.
    """
    command = application_command(project, layer, arguments, editable=editable, isolated=isolated)
    become(command, application_environment(project, isolated=isolated))
