"""Changes without a source: going back to a kept generation, and removing applications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from venvstacks.actions.toolset import Tools
from venvstacks.deployment.offers import find_application
from venvstacks.deployment.state import Generation, needed_instances
from venvstacks.deployment.steps.deploy_failures import not_deployed
from venvstacks.deployment.steps.generations import (
    current_generation,
    generation_numbers,
    next_number,
    read_generation,
    read_prepared,
    require_current,
)
from venvstacks.deployment.steps.health_check import HealthCheck, discard_unproven, prove
from venvstacks.deployment.steps.place import Place, finished_instances
from venvstacks.deployment.steps.switch import Warn, clean_up_after, enter_generation, switch_to
from venvstacks.deployment.steps.user_launchers import start_texts
from venvstacks.errors import DeployError, UsageError


def roll_back(place: Place, number: int | None = None) -> Generation:
    """Make the generation before the current one, or any other kept one, the current one.

    The caller holds the lock of the deployment. Nothing is removed, so the later generation can be restored until the
    next deploy.

    Raises:
        DeployError: There is no such generation any more.
    """
    with not_deployed(place.root):
        kept = generation_numbers(place)
        if number is None:  # else it does not matter what is current, or whether it can be read
            current = require_current(place)
            if current.previous not in kept:
                others = [one for one in kept if one != current.number]
                raise _not_kept(f"generation {current.number} of {place.root} is the oldest that is kept", others)
            number = current.previous
        elif number not in kept:
            raise _not_kept(f"generation {number} of {place.root} is not there", kept)
        found = read_generation(place, number)
        missing = [one.target for one in found.instances if not place.instance(one.id, one.target).is_dir()]
        if missing:
            raise DeployError(
                f"generation {number} of {place.root} needs layers that are gone: {', '.join(missing)}",
                hint="deploy again from a source that offers them",
            )
        switch_to(place, number)
    return found


def activate_prepared(place: Place, health: HealthCheck | None, tools: Tools, warn: Warn) -> Generation | None:
    """Make the generation that was prepared the current one; the caller holds the lock of the deployment.

    A prepared generation that does not follow the current one any more, or whose layers are gone, is dropped.

    Returns:
        That generation; None if there was none.

    Raises:
        DeployError: It does not pass the health check, and the one before is current; or nothing can be written.
    """
    with not_deployed(place.root):
        discard_unproven(place, warn)
        found, current = read_prepared(place), current_generation(place)
        place.prepared.unlink(missing_ok=True)
        known = finished_instances(place)
        before = current.number if current else None
        if found is None or found.previous != before or any(one.id not in known for one in found.instances):
            return None
        generation = replace(found, number=next_number(place), created=tools.now().isoformat())
        enter_generation(place, generation, start_texts(place, generation), unproven=health is not None)
        if health is not None:
            prove(place, generation, health, tools, warn)
    clean_up_after(place, warn)
    return generation


def _not_kept(message: str, others: Sequence[int]) -> DeployError:
    return DeployError(message, hint=f"other generations that are kept: {', '.join(map(str, others)) or 'none'}")


def remove_applications(
    place: Place, names: Sequence[str], tools: Tools, warn: Warn
) -> tuple[Generation, tuple[str, ...]]:
    """Make a generation without these applications the current one, and remove what no kept generation needs.

    The caller holds the lock of the deployment. What the removed application needed is kept while `rollback` may need
    it.

    Returns:
        The new generation and the ids of removed instances.

    Raises:
        UsageError: There is no such application.
        DeployError: The deployment cannot be written to.
    """
    with not_deployed(place.root):
        current = require_current(place)
        applications = dict(current.applications)
        for name in names:
            found = find_application(name, current.applications)
            if found is None:
                known = ", ".join(current.applications) or "none"
                raise UsageError(
                    f"there is no application '{name}' in {place.root}", hint=f"installed applications: {known}"
                )
            applications.pop(found, None)  # it may be named twice
        instances, needed_by = needed_instances(applications, current.instances)
        generation = replace(
            current,
            number=next_number(place),
            previous=current.number,
            created=tools.now().isoformat(),
            applications=applications,
            releases={name: one for name, one in current.releases.items() if name in applications},
            instances=instances,
            needed_by=needed_by,
        )
        enter_generation(place, generation, start_texts(place, generation))
    return generation, clean_up_after(place, warn)
