"""Removal of a whole deployment: everything that it has written, with no way back."""

from __future__ import annotations

import contextlib

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
