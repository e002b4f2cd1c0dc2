"""Reading the generations of a deployment: which exist, which one is current, and what each holds."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps.deploy_failures import reading
from venvstacks.deployment.steps.place import Place
from venvstacks.errors import DamagedRecordError, DeployError, ProcessFailedError, UnreadableError
from venvstacks.tools.files import read_regular
from venvstacks.tools.folder_links import pointer_target

NOT_ENTERED = "not-entered"
_NUMBER = re.compile(r"[1-9][0-9]{0,14}")
_MOST_CHANGES = 50  # a reader that sees the deployment change this often in a row gives up

Found = TypeVar("Found")


def current_number(place: Place) -> int | None:
    """The number that the link `current` names; None if there is none, as before the first deploy."""
    name = pointer_target(place.pointer) or ""
    return int(name) if _NUMBER.fullmatch(name) else None


def generation_numbers(place: Place) -> tuple[int, ...]:
    """The generations that `rollback` can go to, ascending: each is or was the current one.

    Raises:
        DeployError: The folder of generations cannot be read.
    """
    current = current_number(place)
    entered = (one for one in _present_numbers(place) if one == current or was_entered(place, one))
    return tuple(sorted(entered))


def _present_numbers(place: Place) -> list[int]:
    """The numbers of all generations that have a folder; other names are ignored."""
    if not os.path.lexists(place.generations):
        return []
    with reading(place.generations):
        return [int(entry.name) for entry in place.generations.iterdir() if _NUMBER.fullmatch(entry.name)]


def was_entered(place: Place, number: int) -> bool:
    """Whether a generation is or was current, and not only prepared by a killed deploy."""
    return not os.path.lexists(place.generations / str(number) / NOT_ENTERED)


def never_entered(place: Place) -> tuple[int, ...]:
    """Generations that killed deploys have prepared and that were never current."""
    return tuple(sorted(set(_present_numbers(place)) - set(generation_numbers(place))))


def next_number(place: Place) -> int:
    """A new number, larger than that of every generation with a readable state."""
    known = readable_generations(place, _present_numbers(place))
    number = max((one.number for one in known), default=0) + 1
    while os.path.lexists(place.generations / str(number)):
        number += 1
    return number


def read_generation(place: Place, number: int) -> Generation:
    """One generation.

    Raises:
        DamagedRecordError: It is missing or damaged.
        DeployError: It cannot be read, or was written by another version.
    """
    file = place.generations / str(number) / "state.json"
    try:
        with reading(place.root):
            found = Generation.read(read_regular(file), str(file))
    except UnreadableError as error:
        if error.refused:
            raise
        gone = isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError))
        why = "it is not there" if gone else error.message
        raise DamagedRecordError(f"{file} is damaged: {why}") from error
    if found.number != number:
        raise DamagedRecordError(f"{file} is damaged: it is that of generation {found.number}")
    return found


def read_prepared(place: Place) -> Generation | None:
    """The generation that was prepared and is to become current later; None if there is none that can be read."""
    with contextlib.suppress(OSError, DeployError):
        return Generation.read(read_regular(place.prepared), str(place.prepared))
    return None


def readable_generations(place: Place, numbers: Iterable[int]) -> list[Generation]:
    """Those of these generations whose state can be read and is not damaged."""
    found = []
    for number in numbers:
        with contextlib.suppress(DamagedRecordError, UnreadableError):
            found.append(read_generation(place, number))
    return found


def current_generation(place: Place) -> Generation | None:
    """The current generation, None before the first one.

    Raises:
        DamagedRecordError: It is damaged; the hint names the others.
        DeployError: It cannot be read, or was written by another version.
    """
    if not os.path.lexists(place.pointer):
        return None
    number = current_number(place)
    problem = f"{place.pointer} names no generation"
    if number is not None:
        try:
            return read_generation(place, number)
        except DamagedRecordError as error:
            problem = error.message
    others = [str(other) for other in generation_numbers(place) if other != number]
    raise DamagedRecordError(
        problem,
        hint=f"go to another generation that is kept ({', '.join(others)}): {_go_to(place, others[-1])}"
        if others
        else "deploy into a new folder",
    )


def _go_to(place: Place, number: int | str) -> str:
    return f"`venvstacks rollback {place.root} --generation {number}`"


def require_current(place: Place) -> Generation:
    """The current generation.

    Raises:
        DeployError: There is none, or it is damaged or cannot be read.
    """
    found = current_generation(place)
    if found is None:
        if kept := generation_numbers(place):  # as in a copy without links
            raise DamagedRecordError(
                f"{place.pointer} is missing", hint=f"deploy again, or {_go_to(place, kept[-1])} goes to what is kept"
            )
        raise DeployError(f"nothing is installed in {place.root}", hint="deploy an application first")
    return found


def look(place: Place, read: Callable[[], Found]) -> Found:
    """The result of `read`, which is called again if it failed while another process changed the deployment.

    Two changes in a row remove what was current before them, so a reader may find it missing.

    Raises:
        VenvstacksError: What `read` raises while nothing changes.
    """
    for _ in range(_MOST_CHANGES):
        seen = pointer_target(place.pointer)
        try:
            return read()
        except (DeployError, ProcessFailedError):
            if pointer_target(place.pointer) == seen:
                raise
    return read()
