"""A deployment's folder: its paths, and reading its records.

venvstacks-deployment.json      marks the folder as a deployment, and names the version of its form
store/<id>/<deployed name>/     an unpacked layer; next to it links to the layers below, by their deployed names
store/<id>/files.json.gz        the per-file manifest of the archive, as it was published
store/<id>/instance.json        written last: without it the instance is not finished
generations/<n>/state.json      the instances, and the applications that need them
generations/<n>/apps/<name>     links to the applications' folders in the store
generations/<n>/not-entered     removed when the generation has become current; until then `rollback` does not offer it
current                         link to the current generation
staging/                        unfinished files, and files that could not be removed yet
generations/<n>/start/<name>    starts the application; launchers elsewhere hand over to it
prepared.json                   the generation that is to become current later, if one was prepared
launchers.json                  where those launchers are, if there are any
trust.json                      whom the deployment trusts, once it follows signed publications
downloads/                      archives on their way; kept after a failure, so that the next deploy continues them
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from venvstacks.deployment.state import InstanceRecord
from venvstacks.deployment.steps.deploy_failures import not_deployed, reading
from venvstacks.deployment.steps.file_system import require_file_system
from venvstacks.errors import DamagedRecordError, DeployError, UnreadableError
from venvstacks.model.conventions import LAYER_CONFIG, METADATA_DIR, STATE_FOLDER
from venvstacks.modes import FOLDER_MODE
from venvstacks.tools.files import read_regular, write_atomically

LOCK = ".lock"
MARKER = "venvstacks-deployment.json"
RECORD = "instance.json"
FILE_MANIFEST = "files.json.gz"
RECORD_NAMES = (RECORD, FILE_MANIFEST)
_OF_FILE_SYSTEM = "lost+found"  # in the top folder of an ext file system
OTHER_NAME = "deploy into a folder with another name"
_MARKER_TEXT = '{\n  "format": 1\n}\n'


@dataclass(frozen=True)
class Place:
    """Paths of a deployment.

    Attributes:
        root: Its folder, absolute and without symbolic links.
    """

    root: Path

    @property
    def marker(self) -> Path:
        """The file that marks the folder as a deployment."""
        return self.root / MARKER

    @property
    def store(self) -> Path:
        """Folder of the instances."""
        return self.root / "store"

    @property
    def generations(self) -> Path:
        """Folder of the generations."""
        return self.root / "generations"

    @property
    def pointer(self) -> Path:
        """The link (on Windows the file) that names the current generation."""
        return self.root / "current"

    @property
    def staging(self) -> Path:
        """Folder of unfinished files, and of files that could not be removed yet."""
        return self.root / "staging"

    @property
    def downloads(self) -> Path:
        """Folder of archives that are being fetched."""
        return self.root / "downloads"

    @property
    def trust(self) -> Path:
        """The record of whom the deployment trusts."""
        return self.root / "trust.json"

    @property
    def prepared(self) -> Path:
        """The record of a generation that is to become current later."""
        return self.root / "prepared.json"

    @property
    def launchers(self) -> Path:
        """The record of where launchers were written."""
        return self.root / "launchers.json"

    def instance(self, id_: str, target: str) -> Path:
        """The folder of an unpacked layer."""
        return self.store / id_ / target

    def record(self, id_: str) -> Path:
        """The record of an instance; an instance without it is not finished."""
        return self.store / id_ / RECORD

    def file_manifest(self, id_: str) -> Path:
        """The per-file manifest of an instance's archive."""
        return self.store / id_ / FILE_MANIFEST


def place_of(root: Path) -> Place:
    """Where the deployment in the folder `root` is, or would be; links that lead in a circle stay as they are."""
    return Place(Path(os.path.realpath(root)))  # `Path.resolve` fails for those before Python 3.13


def open_place(root: Path) -> Place:
    """The deployment in the folder `root`.

    Raises:
        DeployError: There is none, or one of another version, or it cannot be read.
    """
    place = place_of(root)
    try:
        with reading(place.root):
            found = read_regular(place.marker)
    except UnreadableError as error:
        if not isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            raise
        raise DeployError(
            f"{root} is not a deployment", hint="name the folder that `venvstacks deploy ... --to` was given"
        ) from None
    if found != _MARKER_TEXT.encode():
        raise DeployError(
            f"{root} was made by another version of venvstacks", hint="use that one, or deploy into a new folder"
        )
    return place


def make_place(root: Path) -> Place:
    """The deployment in the folder `root`, which is created if it is missing or empty.

    Raises:
        DeployError: The folder holds something else, cannot be written to, or is on an unsuitable file system.
    """
    place = place_of(root)
    with not_deployed(place.root):
        make_folder(place.root)
        if not place.marker.exists():
            _refuse_folders_of_others(place)
            _refuse_other_content(place)
            require_file_system(place.root)
            write_atomically(place.marker, _MARKER_TEXT)
    return open_place(root)


def look_at_place(root: Path) -> Place:
    """The deployment in the folder `root`, or the one that `make_place` would create there.

    Raises:
        DeployError: The folder holds something else, cannot be read, or has a name with which no Python starts.
    """
    place = place_of(root)
    _refuse_unusable_name(place)
    with reading(place.root):
        if place.marker.exists():
            return open_place(root)
        _refuse_folders_of_others(place)
        if place.root.is_dir():  # a file in the way is for `make_place` to name
            _refuse_other_content(place)
    return place


def _refuse_unusable_name(place: Place) -> None:
    """Refuse what `pyvenv.cfg`, which is UTF-8 and is read line by line, cannot hold."""
    try:
        name = os.fsencode(place.root).decode("utf-8")
    except UnicodeDecodeError:
        name, why = "", "whose name is not UTF-8"
    else:
        why = "with a line break in its name"
    if not name or "\n" in name or "\r" in name:
        raise DeployError(f"Python cannot start from a folder {why}: {str(place.root)!a}", hint=OTHER_NAME)


def _refuse_other_content(place: Place) -> None:
    taken = any(
        os.path.lexists(entry / MARKER) if entry.name.startswith(".") else entry.name != _OF_FILE_SYSTEM
        for entry in place.root.iterdir()
    )
    if taken and not place.marker.exists():  # another process may have made it just now
        raise DeployError(f"{place.root} holds something else already", hint="deploy into a new or empty folder")


def _refuse_folders_of_others(place: Place) -> None:
    """Refuse a folder in which a command removes what it does not know, or replaces it."""
    within = (place.root, *place.root.parents)
    marks = [(folder, MARKER, "a deployment") for folder in within]
    marks += [(folder, LAYER_CONFIG, "the environment of a layer") for folder in within]
    marks += [(place.root, METADATA_DIR, "a publication"), (place.root, STATE_FOLDER, "a build folder")]
    for folder, mark, kind in marks:
        if os.path.lexists(folder / mark) and not place.marker.exists():  # another process may have made it just now
            raise DeployError(
                f"no deployment can be in {place.root}: {folder} is {kind}", hint="deploy into a folder outside of it"
            )


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, readable for everybody under any umask.

    Raises:
        OSError: It cannot be created, or something else has its name.
    """
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)  # another process may have made it just now
        one.chmod(FOLDER_MODE)


def stored_ids(place: Place) -> tuple[str, ...]:
    """The names of everything in the store, finished instances or not.

    Raises:
        DeployError: The store cannot be read.
    """
    with reading(place.store):
        return tuple(sorted(entry.name for entry in place.store.iterdir()))


def finished_instances(place: Place) -> dict[str, InstanceRecord]:
    """The records of all finished instances by id.

    An instance whose record is damaged, cannot be read, or is that of another instance does not count as finished.

    Raises:
        DeployError: The store cannot be read, or a record was written by another version.
    """
    found = {}
    for id_ in stored_ids(place):
        with contextlib.suppress(DamagedRecordError, OSError):
            record = InstanceRecord.read(read_regular(place.record(id_)), str(place.record(id_)))
            if record.installed.id == id_:
                found[id_] = record
    return found
