"""Getting a layer onto this machine: by deltas from an installed version where these are smaller, else by its archive.

Whatever is wrong with a delta or with the installed files, the archive takes its place, and the user is told.
"""

from __future__ import annotations

import errno
import zipfile
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

from venvstacks.actions.toolset import Tools
from venvstacks.archives.blocks import affordable
from venvstacks.archives.expected import ExpectedTree
from venvstacks.deltas.apply_delta import Update, apply_deltas
from venvstacks.deltas.old_version import OldVersion
from venvstacks.deltas.patches import APPLYING_MEMORY
from venvstacks.deployment.binding import Bound
from venvstacks.deployment.state import InstanceRecord
from venvstacks.deployment.steps.installed_files import listed_entries
from venvstacks.deployment.steps.instances import Delivered, Prepared, copy_instance, unpack_instance
from venvstacks.deployment.steps.phase_counter import PhaseCounter
from venvstacks.deployment.steps.place import FILE_MANIFEST, Place
from venvstacks.deployment.steps.publication_source import Source
from venvstacks.deployment.steps.switch import Warn, staging_folder
from venvstacks.deployment.ways import Route, whole
from venvstacks.errors import DeployError, TransferError
from venvstacks.tools.files import write_atomically
from venvstacks.tools.tree_removal import remove_tree

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class Fetched:
    """The fetched files of a layer.

    Attributes:
        route: How they are used; another one than was planned if a delta could not be fetched.
        files: The files on this machine, in the order of the way.
        received: Bytes that came from the source.
    """

    route: Route
    files: tuple[Path | zipfile.Path, ...]
    received: int


@dataclass(frozen=True)
class Made:
    """A layer in the staging folder.

    Attributes:
        prepared: The instance.
        by_deltas: Whether it was made by deltas.
        received: Bytes that came from the source while it was made.
    """

    prepared: Prepared
    by_deltas: bool = False
    received: int = 0


class Delivery:
    """Fetches layers and makes instances of them; used by several threads."""

    def __init__(self, source: Source, place: Place, tools: Tools, warn: Warn, phases: PhaseCounter) -> None:
        self._source, self._place, self._tools, self._warn, self._phases = source, place, tools, warn, phases
        self._patching = BoundedSemaphore(affordable(max(1, tools.threads), APPLYING_MEMORY))

    def fetch(self, route: Route) -> Fetched:
        """Fetch the files of a route; the archive if a delta cannot be fetched.

        Raises:
            DeployError: The archive is missing, or another one.
            TransferError: It cannot be fetched.
        """
        try:
            return self._fetch(route)
        except (DeployError, TransferError) as error:
            if not route.by_deltas:
                raise
            self._report(route, error.message)
            return self._fetch(Route(route.bound, whole(route.bound.layer)))

    def _fetch(self, route: Route) -> Fetched:
        obtained = []
        for file in route.way.files:
            obtained.append(self._source.obtain(file, self._place.downloads))
            self._phases.held(file.name, file.size)
        return Fetched(route, tuple(one.path for one in obtained), sum(one.received for one in obtained))

    def make(self, fetched: Fetched, expected: ExpectedTree, packed: bytes) -> Made:
        """Make an instance in the staging folder; from the archive if the deltas do not give the published files.

        Args:
            fetched: Its files.
            expected: What its per-file manifest lists.
            packed: That manifest, as it was published.

        Raises:
            UnsafeArchiveError: The archive is not what its manifest says.
            DeployError: The archive has to be fetched and is missing, or another one.
            TransferError: It cannot be fetched.
            InterruptedRunError: The deploy is being stopped.
            OSError: It cannot be written.
        """
        route, received = fetched.route, 0
        if route.before is not None:
            try:
                with self._patching:
                    return Made(self._update(fetched, route.before, expected, packed), by_deltas=True)
            except (ValueError, OSError) as error:
                if isinstance(error, OSError) and error.errno in _FULL:
                    raise
                self._report(route, str(error))
            fetched = self._fetch(Route(route.bound, whole(route.bound.layer)))
            received = fetched.received
        delivered = Delivered(route.bound, expected, packed, fetched.files[0])
        return Made(unpack_instance(delivered, self._place, self._tools, self._phases.add), received=received)

    def copy(self, bound: Bound, expected: ExpectedTree, donor: InstanceRecord) -> Prepared:
        """Make an instance in the staging folder from another one that was unpacked from the same archive.

        Raises:
            InterruptedRunError: The deploy is being stopped.
            OSError: It cannot be written.
        """
        prepared = copy_instance(bound, expected, donor, self._place, self._tools)
        self._phases.add(expected.size)
        return prepared

    def _update(self, fetched: Fetched, before: InstanceRecord, expected: ExpectedTree, packed: bytes) -> Prepared:
        """Apply deltas to an installed instance.

        Raises:
            ValueError: They do not give the published files.
            InterruptedRunError: The deploy is being stopped.
            OSError: A file cannot be read or written.
        """
        listed = listed_entries(self._place, before)
        if listed is None:
            raise ValueError(f"the list of files of the installed {before.installed.target} was changed")
        old = OldVersion(self._place.instance(before.installed.id, before.installed.target), tuple(listed.values()))
        bound = fetched.route.bound
        folder = staging_folder(self._place, bound.id)
        try:
            write_atomically(folder / FILE_MANIFEST, packed)
            deltas = tuple(one for one in fetched.files if isinstance(one, Path))  # bundles hold no deltas
            update = Update(old, deltas, expected, folder, lambda: self._tools.processes.stopping, self._phases.add)
            apply_deltas(update)
        except BaseException:
            remove_tree(folder)
            raise
        return Prepared(bound, expected, folder)

    def _report(self, route: Route, why: str) -> None:
        target = route.bound.layer.target
        self._warn(f"{target} cannot be updated by deltas, and is fetched as a whole: {why}")
