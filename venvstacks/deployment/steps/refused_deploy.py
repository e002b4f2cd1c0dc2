"""Removal of what a first deploy has made, where it is refused."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from venvstacks.deployment.steps.place import LOCK, Place


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
