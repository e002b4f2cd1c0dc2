"""Removal of a deployment: of a whole one, with no way back, and of what a refused first deploy has made."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from venvstacks.deployment.steps.deploy_failures import not_deployed
from venvstacks.deployment.steps.place import LOCK, Place
from venvstacks.errors import DeployError
from venvstacks.tools.file_systems import TRIAL
from venvstacks.tools.tree_removal import remove_tree, remove_what_can_be


def purge_contents(place: Place) -> None:
    """Remove all instances, generations and records. What users have put next to them stays.

    The caller holds the lock of the deployment. The link to the current generation goes first, so that after an
    interruption nothing is installed; the marker goes last, so that the command can be repeated until then.

    Raises:
        DeployError: Something cannot be removed; the rest is gone.
    """
    with not_deployed(place.root):
        remove_tree(place.pointer)  # a folder in a copy without links
    trees = (place.generations, place.store, place.staging, place.downloads)
    failures = [failure for tree in trees for failure in remove_what_can_be(tree)]
    if failures:
        more = f", nor can {len(failures) - 1} more" if len(failures) > 1 else ""
        raise DeployError(
            f"{failures[0].filename or place.root} cannot be removed{more}: {failures[0].strerror or failures[0]}",
            hint="nothing is installed any more; remove what is named, and run the same command again",
        )
    with not_deployed(place.root):
        place.launchers.unlink(missing_ok=True)
        place.prepared.unlink(missing_ok=True)
        place.trust.unlink(missing_ok=True)
        place.marker.unlink(missing_ok=True)


def remove_emptied(place: Place) -> bool:
    """Remove the lock file and the folder of a purged deployment; whether the folder is gone.

    The caller does not hold the lock any more: Windows removes no open file. A mount point stays, and so does a folder
    with other files.
    """
    with contextlib.suppress(OSError):
        (place.root / LOCK).unlink(missing_ok=True)
        for left in place.root.glob(f"{TRIAL}*"):  # by a killed process
            remove_tree(left)
    with contextlib.suppress(OSError):
        place.root.rmdir()
    return not place.root.exists()


@contextlib.contextmanager
def removing_new_folders(place: Place, *others: Path) -> Iterator[None]:
    """A block after whose failure folders that it made are removed again, with those above them, if nothing is in them.

    Args:
        place: A deployment; the block has released its lock when it ends.
        others: More folders.
    """
    lock = place.root / LOCK
    new = [one for folder in (place.root, *others) for one in (folder, *folder.parents) if not os.path.lexists(one)]
    new_lock = not os.path.lexists(lock)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            if new_lock and not place.marker.exists():
                lock.unlink()
        for folder in sorted(set(new), key=lambda one: len(one.parts), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


@contextlib.contextmanager
def removing_unused(place: Place, *, new: bool) -> Iterator[None]:
    """A block after whose failure a new deployment with nothing in it is removed again, except for its lock file.

    One that has fetched something is kept, with whom it trusts, for the next deploy to continue. The caller holds the
    lock of the deployment.

    Args:
        place: The deployment.
        new: Whether it was made for this block.
    """
    try:
        yield
    except BaseException:
        if new:
            with contextlib.suppress(OSError):
                _remove_unused(place)
        raise


def _remove_unused(place: Place) -> None:
    """Remove a deployment in which nothing is but its empty folders, its marker, and whom it was to trust."""
    trees = (place.generations, place.store, place.staging, place.downloads)
    left = {place.marker.name, place.trust.name, LOCK, *(tree.name for tree in trees)}
    if {entry.name for entry in place.root.iterdir()} <= left:
        for tree in trees:
            if tree.exists():
                tree.rmdir()
        place.trust.unlink(missing_ok=True)
        place.marker.unlink()
