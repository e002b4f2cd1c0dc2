"""Health checks of new generations: a command that has to succeed, or the generation before becomes current again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from venvstacks.actions.toolset import Tools
from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps.generations import current_generation
from venvstacks.deployment.steps.place import Place
from venvstacks.deployment.steps.switch import UNPROVEN, Warn, collect_garbage, switch_to, throw_away
from venvstacks.errors import DeployError, InterruptedRunError, ProcessFailedError

GENERATION_VARIABLE = "VENVSTACKS_GENERATION"
"""Environment variable of a health check: the folder of the new generation."""

DEPLOYMENT_VARIABLE = "VENVSTACKS_DEPLOYMENT"
"""Environment variable of a health check: the deployment's folder."""

_LINES = 10  # of what a failed check has printed


@dataclass(frozen=True)
class HealthCheck:
    """What shows that a generation works.

    Attributes:
        command: Program and arguments; exit code 0 means that it works.
        seconds: The time that it may take.
    """

    command: Sequence[str]
    seconds: float = 60.0


def prove(place: Place, generation: Generation, check: HealthCheck, tools: Tools, warn: Warn) -> None:
    """Run the check of a generation that has just become current; if it fails, go back to the one before.

    Raises:
        DeployError: The check failed; the generation before is current, or nothing if there was none.
        InterruptedRunError: The deploy is being stopped; likewise.
    """
    folder = place.generations / str(generation.number)
    places = {DEPLOYMENT_VARIABLE: str(place.root), GENERATION_VARIABLE: str(folder)}
    try:
        tools.processes.run(list(check.command), env={**tools.environment, **places}, limit=check.seconds)
    except ProcessFailedError as error:
        _go_back(place, generation, warn)
        now = f"generation {generation.previous} is current again" if generation.previous else "nothing is installed"
        raise DeployError(
            f"generation {generation.number} of {place.root} does not pass its health check: {error.message}",
            details=error.details[-_LINES:],
            hint=now,
        ) from error
    except (InterruptedRunError, KeyboardInterrupt):
        _go_back(place, generation, warn)
        raise
    (folder / UNPROVEN).unlink(missing_ok=True)


def discard_unproven(place: Place, warn: Warn) -> None:
    """Go back from a generation whose health check was killed, if the current one is such.

    Raises:
        DeployError: The current generation cannot be read.
        OSError: The deployment cannot be written to.
    """
    current = current_generation(place)
    if current is not None and (place.generations / str(current.number) / UNPROVEN).exists():
        warn(f"the health check of generation {current.number} was interrupted: that generation is removed")
        _go_back(place, current, warn)


def _go_back(place: Place, generation: Generation, warn: Warn) -> None:
    if generation.previous is None:
        place.pointer.unlink()
    else:
        switch_to(place, generation.previous)
    throw_away(place, place.generations / str(generation.number), warn)
    if generation.previous is not None:
        with contextlib.suppress(DeployError, OSError):
            collect_garbage(place, warn)
