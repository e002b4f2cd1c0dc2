"""A deployment changed: by one process at a time, with one step that counts, and without what nobody needs any more."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from venvstacks.deployment.binding import dropped_generations, garbage
from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps.deploy_failures import not_deployed
from venvstacks.deployment.steps.place import (
    Place,
    current_generation,
    generation_numbers,
    readable_generations,
    stored_ids,
)
from venvstacks.errors import DeployError
from venvstacks.tools.files import remove_tree, staging_folder, write_atomically
from venvstacks.tools.folder_links import link_folder, turn_pointer


@contextlib.contextmanager
def changing(place: Place, *, on_wait: Callable[[], None] = lambda: None, timeout: float = -1) -> Iterator[None]:
    """Be the only one who changes the deployment; what a killed change left behind is cleared away first.

    Args:
        place: The deployment.
        on_wait: Called once if another process has to be waited for.
        timeout: Seconds to wait; negative for as long as it takes.

    Raises:
        DeployError: Another process is changing it and was not waited for, or the folder cannot be written to.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 30 ms that looking at a deployment does not need

    lock = FileLock(place.root / ".lock", thread_local=False)
    with not_deployed(place.root), contextlib.ExitStack() as held:
        try:
            try:
                held.enter_context(lock.acquire(timeout=0))
            except Timeout:
                on_wait()
                held.enter_context(lock.acquire(timeout=timeout))
        except Timeout:
            raise DeployError(
                f"another process is changing {place.root}", hint="wait for it to end, and run the command again"
            ) from None
        _clear_unfinished(place)
        yield


def _clear_unfinished(place: Place) -> None:
    """Remove what killed changes began; an instance that is in use stays, even if it has lost its record."""
    remove_tree(place.staging)
    place.staging.mkdir()
    place.store.mkdir(exist_ok=True)
    place.generations.mkdir(exist_ok=True)
    unfinished = {name for name in stored_ids(place) if not place.record(name).exists()}
    for id_ in garbage(unfinished, readable_generations(place, generation_numbers(place))):
        throw_away(place, place.store / id_)


def throw_away(place: Place, tree: Path) -> None:
    """Remove a tree: gone from where it was in one step, then file by file."""
    with staging_folder(place.staging, "trash") as trash:
        tree.rename(trash / "old")


def enter_generation(place: Place, generation: Generation) -> None:
    """Write a generation and make it the current one; the last step is what counts.

    Raises:
        OSError: It cannot be written; the current one is as it was.
    """
    with staging_folder(place.staging, "generation") as staging:
        new = staging / str(generation.number)
        (new / "apps").mkdir(parents=True)
        write_atomically(new / "state.json", generation.text())
        new.rename(place.generations / str(generation.number))
    final = place.generations / str(generation.number)
    for name, id_ in generation.applications.items():
        link_folder(final / "apps" / name, place.instance(id_, generation.by_id[id_].target))
    switch_to(place, generation.number)


def switch_to(place: Place, number: int) -> None:
    """Make a generation the current one, in one step."""
    turn_pointer(place.pointer, Path("generations") / str(number), place.staging)


def collect_garbage(place: Place) -> tuple[str, ...]:
    """Remove generations beyond the current and the previous one, and what those two do not need.

    A previous one that is damaged is no use to anybody, and goes as well.

    Returns:
        Ids of the instances that were removed.
    """
    current = current_generation(place)
    numbers = generation_numbers(place)
    kept = readable_generations(place, set(numbers) - set(dropped_generations(numbers, current)))
    for number in set(numbers) - {generation.number for generation in kept}:
        throw_away(place, place.generations / str(number))
    removed = garbage(stored_ids(place), kept)
    for id_ in removed:
        throw_away(place, place.store / id_)
    remove_tree(place.downloads)
    return removed
