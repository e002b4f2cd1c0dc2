"""Changing what a deployment has installed, without a source: another generation, fewer applications, fewer files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from venvstacks.api.deployment_options import DeployOptions
from venvstacks.deployment.release_steps import ReleaseStep
from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps import change
from venvstacks.deployment.steps.health_check import HealthCheck
from venvstacks.deployment.steps.place import open_place
from venvstacks.deployment.steps.purge import purge_contents, remove_emptied
from venvstacks.deployment.steps.signed_source import keep_floor
from venvstacks.deployment.steps.switch import collect_garbage
from venvstacks.deployment.steps.user_launchers import remove_launchers, update_launchers


def activate(
    folder: Path | str, options: DeployOptions | None = None, *, health_check: Sequence[str] | None = None
) -> Generation | None:
    """Make the generation current that `deploy` with `later` has prepared; nothing is fetched.

    Args:
        folder: The deployment.
        options: Callbacks, waiting.
        health_check: As for `deploy`.

    Returns:
        The generation; None if none was prepared, or if the deployment was changed since.

    Raises:
        DeployError: It does not pass the health check, and the one before is current again; or anything else failed.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    if not place.prepared.exists():
        return None
    health = None if health_check is None else HealthCheck(tuple(health_check))
    with options.changing(place):
        found = change.activate_prepared(place, health, options.tools(place), options.warn)
        if found is not None:
            keep_floor(place, [ReleaseStep(name, None, release) for name, release in found.releases.items()])
            update_launchers(place, found, options.warn)
        return found


def rollback(folder: Path | str, generation: int | None = None, options: DeployOptions | None = None) -> Generation:
    """Go back to the generation before the current one, or to another one that is kept.

    Raises:
        DeployError: There is none.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    with options.changing(place):
        found = change.roll_back(place, generation)
        update_launchers(place, found, options.warn)
        return found


def remove(
    folder: Path | str, applications: Sequence[str], options: DeployOptions | None = None
) -> tuple[Generation, tuple[str, ...]]:
    """Uninstall applications; `rollback` brings them back.

    Returns:
        The new generation, and ids of the instances that nothing needed any more.

    Raises:
        UsageError: There is no such application.
        DeployError: The folder is no deployment, or cannot be written to.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    with options.changing(place):
        done = change.remove_applications(place, applications, options.tools(place), options.warn)
        update_launchers(place, done[0], options.warn)
        return done


def purge(folder: Path | str, options: DeployOptions | None = None) -> bool:
    """Remove a deployment with everything that it has written; nothing brings it back.

    Returns:
        Whether its folder is gone too: a mount point stays, and a folder with files of others.

    Raises:
        DeployError: The folder is no deployment, or something in it cannot be removed.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    with options.changing(place):
        remove_launchers(place, options.warn)
        purge_contents(place)
    return remove_emptied(place)


def collect(folder: Path | str, options: DeployOptions | None = None) -> tuple[str, ...]:
    """Remove what neither the current generation nor the one before it needs, unfinished downloads included.

    Returns:
        Ids of the instances that were removed.

    Raises:
        DeployError: The folder is no deployment, or cannot be written to.
    """
    options = options or DeployOptions()
    place = open_place(Path(folder))
    with options.changing(place):
        return collect_garbage(place, options.warn)
