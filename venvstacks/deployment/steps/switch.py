"""Changes of a deployment: the lock, the switch to a generation, and cleaning up.

Cleaning up never makes a change fail. What cannot be removed is named in a warning and left in the staging folder,
and the next change tries again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from venvstacks.deployment.binding import dropped_generations, garbage
from venvstacks.deployment.launcher_texts import START_FOLDER
from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps.deploy_failures import not_deployed
from venvstacks.deployment.steps.file_system import without_locks
from venvstacks.deployment.steps.generations import (
    NOT_ENTERED,
    current_generation,
    current_number,
    generation_numbers,
    never_entered,
    read_prepared,
    readable_generations,
)
from venvstacks.deployment.steps.moved_layers import mend_moved
from venvstacks.deployment.steps.place import LOCK, Place, make_folder, stored_ids
from venvstacks.errors import DeployError
from venvstacks.modes import FOLDER_MODE, file_mode
from venvstacks.tools.file_lock import LockHeldError, file_lock
from venvstacks.tools.files import write_atomically, write_program
from venvstacks.tools.folder_links import link_folder, turn_pointer
from venvstacks.tools.patience import rename_patiently
from venvstacks.tools.tree_removal import is_folder_link, remove_what_can_be

Warn = Callable[[str], None]
"""Called with a warning, in one line."""


@contextlib.contextmanager
def changing(
    place: Place, *, warn: Warn, on_wait: Callable[[], None] = lambda: None, timeout: float = -1
) -> Iterator[None]:
    """Hold the deployment's lock; what killed changes have left is removed first, and what moving has broken is mended.

    Args:
        place: The deployment.
        warn: Called for each thing that cannot be removed.
        on_wait: Called once if another process has to be waited for.
        timeout: Seconds to wait; negative for as long as it takes.

    Raises:
        DeployError: Another process is changing it and was not waited for, or the folder cannot be written to.
    """
    mode = file_mode(executable=False)
    with not_deployed(place.root), contextlib.ExitStack() as held:
        try:
            held.enter_context(file_lock(place.root / LOCK, mode=mode, timeout=timeout, on_wait=on_wait))
        except LockHeldError:
            raise DeployError(
                f"another process is changing {place.root}", hint="wait for it to end, and run the command again"
            ) from None
        except OSError as error:
            raise without_locks(place.root, error) or error from error
        if not place.marker.exists():  # purged while this process waited
            raise DeployError(
                f"another process has removed {place.root} meanwhile", hint="deploy again if it is still wanted"
            )
        _clear_unfinished(place, warn)
        yield


def _clear_unfinished(place: Place, warn: Warn) -> None:
    """Remove files that killed changes have left; an instance in use is kept, even if it has lost its record."""
    for folder in (place.store, place.generations):
        if is_folder_link(folder):  # it leads out of this deployment
            raise DeployError(
                f"{folder} is a link to somewhere else", hint="put the folder itself there, or deploy into a new folder"
            )
    _remove(place.staging, warn)
    for folder in (place.staging, place.store, place.generations):
        make_folder(folder)
    current = current_number(place)
    if current is not None:
        _mark_entered(place, current)
    for number in never_entered(place):
        throw_away(place, place.generations / str(number), warn)
    kept = readable_generations(place, generation_numbers(place))
    unfinished = {name for name in stored_ids(place) if not os.path.lexists(place.record(name))}
    for id_ in garbage(unfinished, kept):
        throw_away(place, place.store / id_, warn)
    prepared = read_prepared(place)
    mend_moved(place, [*kept, *([prepared] if prepared else [])])


def throw_away(place: Place, tree: Path, warn: Warn) -> bool:
    """Remove a tree: move it to the staging folder in one step, and remove it there as far as possible.

    Returns:
        Whether it could be moved.
    """
    try:
        trash = staging_folder(place, "trash")
        tree.rename(trash / tree.name)
    except OSError as error:
        _warn_about(tree, error, warn)
        return False
    _remove(trash, warn)
    return True


def _remove(tree: Path, warn: Warn) -> None:
    failures = remove_what_can_be(tree)
    if failures:
        _warn_about(Path(str(failures[0].filename or tree)), failures[0], warn, others=len(failures) - 1)


def _warn_about(path: Path, error: OSError, warn: Warn, *, others: int = 0) -> None:
    more = f", nor can {others} more" if others else ""
    warn(f"{path} cannot be removed{more}: {error.strerror or error}; the next change tries again")


def staging_folder(place: Place, name: str) -> Path:
    """A new folder for unfinished files; the next change removes what is left of it.

    Raises:
        OSError: It cannot be made.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=place.staging))
    folder.chmod(FOLDER_MODE)
    return folder


def write_start_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the launchers of a generation, by name, into its folder.

    Raises:
        OSError: One cannot be written.
    """
    make_folder(folder / START_FOLDER)
    for name, text in texts.items():
        write_program(folder / START_FOLDER / name, text)


UNPROVEN = "unproven"
"""Name of the file in a current generation whose health check has not ended."""


def enter_generation(
    place: Place, generation: Generation, starts: Mapping[str, str], *, unproven: bool = False
) -> None:
    """Write a generation and make it the current one by one switch.

    Args:
        place: The deployment.
        generation: The generation.
        starts: Its launchers, as `start_texts` gives them.
        unproven: Whether a health check follows.

    Raises:
        OSError: It cannot be written; the current generation is the one before.
    """
    number = str(generation.number)
    staging = staging_folder(place, "generation")
    make_folder(staging / number / "apps")
    write_atomically(staging / number / NOT_ENTERED, "")
    write_atomically(staging / number / "state.json", generation.text())
    if unproven:
        write_atomically(staging / number / UNPROVEN, "")
    write_start_files(staging / number, starts)
    final = place.generations / number
    rename_patiently(staging / number, final)
    staging.rmdir()
    for name, id_ in generation.applications.items():
        link_folder(final / "apps" / name, place.instance(id_, generation.by_id[id_].target))
    switch_to(place, generation.number)


def rewrite_current(place: Place, generation: Generation) -> None:
    """Write the state of the current generation again, with the same instances.

    Raises:
        OSError: It cannot be written; the earlier state is kept.
    """
    write_atomically(place.generations / str(generation.number) / "state.json", generation.text())


def switch_to(place: Place, number: int) -> None:
    """Make a generation the current one, in one step.

    Raises:
        OSError: It cannot be done; the current generation is the one before.
    """
    turn_pointer(place.pointer, Path("generations") / str(number), place.staging)
    _mark_entered(place, number)


def _mark_entered(place: Place, number: int) -> None:
    """Mark a current generation as one that `rollback` can go to; if this fails, the next change does it."""
    with contextlib.suppress(OSError):
        (place.generations / str(number) / NOT_ENTERED).unlink()


def collect_garbage(place: Place, warn: Warn) -> tuple[str, ...]:
    """Remove generations other than the current and the previous one, and the instances that those two do not need.

    A previous generation that is damaged is removed as well. One that cannot be removed keeps its instances.

    Returns:
        Ids of the instances that were removed.

    Raises:
        DeployError: The current generation cannot be read.
    """
    current = current_generation(place)
    numbers = generation_numbers(place)
    kept = readable_generations(place, set(numbers) - set(dropped_generations(numbers, current)))
    for number in sorted(set(numbers) - {generation.number for generation in kept}):
        if not throw_away(place, place.generations / str(number), warn):
            kept += readable_generations(place, [number])
    if (prepared := read_prepared(place)) is not None:
        kept.append(prepared)
    removed = [id_ for id_ in garbage(stored_ids(place), kept) if throw_away(place, place.store / id_, warn)]
    _remove(place.downloads, warn)
    return tuple(removed)


def clean_up_after(place: Place, warn: Warn) -> tuple[str, ...]:
    """`collect_garbage` after a switch: a failure is a warning, since the change has been made.

    Returns:
        Ids of the instances that were removed.
    """
    try:
        return collect_garbage(place, warn)
    except (DeployError, OSError) as error:
        warn(f"{place.root} was not cleaned up: {error}")
        return ()
