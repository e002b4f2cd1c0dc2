"""A deployment's folder: where everything in it is, and what it remembers.

venvstacks-deployment.json      says that the folder is a deployment, and of which form
store/<id>/<deployed name>/     an unpacked layer; beside it links to the layers below, by their deployed names
store/<id>/files.json.gz        what the archive held, as it was published
store/<id>/instance.json        written last: without it the instance is not finished
generations/<n>/state.json      what is installed and why
generations/<n>/apps/<name>     links to the applications' folders in the store
current                         link to the current generation
staging/, downloads/            on the way; downloads survive a failure, so that they can go on
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from venvstacks.deployment.state import Generation, InstanceRecord
from venvstacks.deployment.steps.deploy_failures import not_deployed
from venvstacks.errors import DamagedRecordError, DeployError
from venvstacks.tools.files import write_atomically
from venvstacks.tools.folder_links import pointer_target

RECORD = "instance.json"
FILE_MANIFEST = "files.json.gz"
RECORD_NAMES = (RECORD, FILE_MANIFEST)
_MARKER_TEXT = '{\n  "format": 1\n}\n'


@dataclass(frozen=True)
class Place:
    """Paths of a deployment.

    Attributes:
        root: Its folder, absolute and without links on the way.
    """

    root: Path

    @property
    def marker(self) -> Path:
        """What says that this is a deployment."""
        return self.root / "venvstacks-deployment.json"

    @property
    def store(self) -> Path:
        """Instances."""
        return self.root / "store"

    @property
    def generations(self) -> Path:
        """States."""
        return self.root / "generations"

    @property
    def pointer(self) -> Path:
        """What names the current generation."""
        return self.root / "current"

    @property
    def staging(self) -> Path:
        """What is not finished."""
        return self.root / "staging"

    @property
    def downloads(self) -> Path:
        """Archives on their way here."""
        return self.root / "downloads"

    def instance(self, id_: str, target: str) -> Path:
        """The folder of an unpacked layer."""
        return self.store / id_ / target

    def record(self, id_: str) -> Path:
        """What says that an instance is finished."""
        return self.store / id_ / RECORD

    def file_manifest(self, id_: str) -> Path:
        """The per-file manifest of an instance's archive."""
        return self.store / id_ / FILE_MANIFEST


def open_place(root: Path) -> Place:
    """The deployment in the folder `root`.

    Raises:
        DeployError: There is none, or one of another version.
    """
    place = Place(root.resolve())
    try:
        found = place.marker.read_text("utf-8")
    except FileNotFoundError:
        raise DeployError(
            f"{root} is not a deployment", hint="name the folder that `venvstacks deploy ... --to` was given"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DeployError(f"{place.marker} cannot be read: {error}") from error
    if found != _MARKER_TEXT:
        raise DeployError(
            f"{root} was made by another version of venvstacks", hint="use that one, or deploy into a new folder"
        )
    return place


def make_place(root: Path) -> Place:
    """The deployment in the folder `root`, which is made if it is missing or empty.

    Raises:
        DeployError: The folder holds something else, or cannot be written to.
    """
    place = Place(root.resolve())
    with not_deployed(place.root):
        place.root.mkdir(parents=True, exist_ok=True)
        if not place.marker.exists():
            taken = any(not entry.name.startswith(".") for entry in place.root.iterdir())
            if taken and not place.marker.exists():  # another process may have made it just now
                raise DeployError(f"{root} holds something else already", hint="deploy into a new or empty folder")
            write_atomically(place.marker, _MARKER_TEXT)
    return open_place(root)


def stored_ids(place: Place) -> tuple[str, ...]:
    """Everything that is in the store, finished or not."""
    return tuple(sorted(folder.name for folder in place.store.iterdir()))


def finished_instances(place: Place) -> dict[str, InstanceRecord]:
    """The records of all finished instances by id; one whose record is damaged is none.

    Raises:
        DeployError: A record was written by another version.
    """
    found = {}
    for file in sorted(place.store.glob(f"*/{RECORD}")):
        with contextlib.suppress(DamagedRecordError):
            found[file.parent.name] = InstanceRecord.read(file.read_bytes(), str(file))
    return found


def generation_numbers(place: Place) -> tuple[int, ...]:
    """All generations that are there, ascending."""
    if not place.generations.is_dir():
        return ()
    return tuple(sorted(int(entry.name) for entry in place.generations.iterdir() if entry.name.isdecimal()))


def read_generation(place: Place, number: int) -> Generation:
    """One generation.

    Raises:
        DamagedRecordError: It is not there, or damaged.
        DeployError: It was written by another version.
        OSError: It cannot be read.
    """
    file = place.generations / str(number) / "state.json"
    try:
        return Generation.read(file.read_bytes(), str(file))
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedRecordError(f"{file} is damaged: it is not there") from None


def readable_generations(place: Place, numbers: Iterable[int]) -> list[Generation]:
    """Those of these generations that one can still go to."""
    found = []
    for number in numbers:
        with contextlib.suppress(DamagedRecordError):
            found.append(read_generation(place, number))
    return found


def current_generation(place: Place) -> Generation | None:
    """The generation that counts, None before the first one.

    Raises:
        DamagedRecordError: It is damaged; says which others there are.
        DeployError: It was written by another version.
        OSError: It cannot be read.
    """
    if not os.path.lexists(place.pointer):
        return None
    name = pointer_target(place.pointer) or ""
    problem = f"{place.pointer} names no generation"
    if name.isdecimal():
        try:
            return read_generation(place, int(name))
        except DamagedRecordError as error:
            problem = error.message
    others = [str(number) for number in generation_numbers(place) if str(number) != name]
    command = f"`venvstacks rollback {place.root} --generation {others[-1]}`" if others else ""
    raise DamagedRecordError(
        problem,
        hint=f"go to another generation that is kept ({', '.join(others)}): {command}"
        if others
        else "deploy into a new folder",
    )


def require_current(place: Place) -> Generation:
    """The generation that counts.

    Raises:
        DeployError: There is none, or it is damaged.
    """
    found = current_generation(place)
    if found is None:
        raise DeployError(f"nothing is installed in {place.root}", hint="deploy an application first")
    return found
