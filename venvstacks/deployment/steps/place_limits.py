"""Whether the layers of a deploy can be where the deployment is: space on its disk, and what its path allows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from venvstacks.archives.expected import ExpectedTree
from venvstacks.deployment.binding import Bound
from venvstacks.deployment.state import InstanceRecord
from venvstacks.deployment.steps.place import OTHER_NAME
from venvstacks.deployment.steps.update_plan import DeployRequest
from venvstacks.deployment.ways import Route
from venvstacks.errors import DeployError
from venvstacks.model.conventions import WRAPPED_FOLDER
from venvstacks.tools.long_paths import TOO_LONG, exceeds_limit

_SLACK = 16 << 20  # for records, links and folders of the file system


def check_space(
    request: DeployRequest, routes: Sequence[Route], rebind: Sequence[tuple[Bound, InstanceRecord]]
) -> None:
    """Refuse a deploy if its files, and what is still to be fetched, do not fit on the disk.

    Raises:
        DeployError: They do not.
    """
    place, source = request.place, request.source
    needed = sum(one.layer.disk_size for one, _ in rebind) + sum(route.disk_size for route in routes)
    needed += sum(source.space_needed(file, place.downloads) for route in routes for file in route.way.files)
    if not needed:
        return
    free = request.free_space(place.root)
    if needed + _SLACK > free:
        raise DeployError(
            f"{place.root} has {free >> 20} MiB free, and {(needed + _SLACK >> 20) + 1} MiB are needed",
            hint="free some space, or deploy to another disk; nothing was changed",
        )


def check_lengths(request: DeployRequest, makes: Iterable[Bound], trees: Mapping[str, ExpectedTree]) -> None:
    """Refuse a deploy to Windows if it would be stopped by a path that is too long, and name the longest one.

    Raises:
        DeployError: There is one.
    """
    if not request.platform.is_windows:
        return
    folders = {one.id: request.place.staging / f"{one.id}.________" / one.layer.target for one in makes}
    paths = (os.path.join(folder, path) for id_, folder in folders.items() for path in trees[id_].entries)  # noqa: PTH118
    longest = max(filter(exceeds_limit, paths), key=len, default="")
    if longest and not request.long_paths(request.place.staging):
        raise DeployError(f"{longest} is a path of {len(longest)} characters, too long for Windows", hint=TOO_LONG)


def check_separators(request: DeployRequest, trees: Mapping[str, ExpectedTree]) -> None:
    """Refuse layers whose libraries would be looked for in a list of folders that the deployment's path would split.

    Raises:
        DeployError: There is one.
    """
    root = request.place.root
    if request.platform.is_windows or not set(":;") & set(str(root)):
        return
    if any(path.startswith(f"{WRAPPED_FOLDER}/python") for tree in trees.values() for path in tree.entries):
        raise DeployError(
            f"shared libraries cannot be found below a folder with ':' or ';' in its name: {root}", hint=OTHER_NAME
        )
