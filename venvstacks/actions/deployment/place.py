"""A deployment's folder: where everything in it is, who may change it, and the one step that makes a change count.

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.deployment.failures import not_deployed
from venvstacks.deploying.binding import dropped_generations, garbage
from venvstacks.deploying.state import Generation, InstanceRecord
from venvstacks.errors import DeployError
from venvstacks.tools.files import remove_tree, staging_folder, write_atomically
from venvstacks.tools.folderlinks import link_folder, pointer_target, turn_pointer

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
            if any(not entry.name.startswith(".") for entry in place.root.iterdir()):
                raise DeployError(f"{root} holds something else already", hint="deploy into a new or empty folder")
            write_atomically(place.marker, _MARKER_TEXT)
    return open_place(root)


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
    remove_tree(place.staging)
    place.staging.mkdir()
    place.store.mkdir(exist_ok=True)
    place.generations.mkdir(exist_ok=True)
    for folder in place.store.iterdir():
        if not place.record(folder.name).exists():
            throw_away(place, folder)


def throw_away(place: Place, tree: Path) -> None:
    """Remove a tree: gone from where it was in one step, then file by file."""
    with staging_folder(place.staging, "trash") as trash:
        tree.rename(trash / "old")


def finished_instances(place: Place) -> dict[str, InstanceRecord]:
    """The records of all finished instances by id.

    Raises:
        DeployError: A record is damaged.
    """
    found = {}
    for file in sorted(place.store.glob(f"*/{RECORD}")):
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
        DeployError: It is not there, or damaged.
    """
    file = place.generations / str(number) / "state.json"
    try:
        return Generation.read(file.read_bytes(), str(file))
    except OSError as error:
        raise DeployError(f"{file} cannot be read: {error.strerror or error}") from error


def current_generation(place: Place) -> Generation | None:
    """The generation that counts, None before the first one.

    Raises:
        DeployError: It is damaged.
    """
    name = pointer_target(place.pointer)
    if name is None or not name.isdecimal():
        return None
    return read_generation(place, int(name))


def require_current(place: Place) -> Generation:
    """The generation that counts.

    Raises:
        DeployError: There is none, or it is damaged.
    """
    found = current_generation(place)
    if found is None:
        raise DeployError(f"nothing is installed in {place.root}", hint="deploy an application first")
    return found


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

    Returns:
        Ids of the instances that were removed.
    """
    current = current_generation(place)
    numbers = generation_numbers(place)
    dropped = dropped_generations(numbers, current)
    for number in dropped:
        throw_away(place, place.generations / str(number))
    kept = [read_generation(place, number) for number in numbers if number not in dropped]
    removed = garbage((folder.name for folder in place.store.iterdir()), kept)
    for id_ in removed:
        throw_away(place, place.store / id_)
    remove_tree(place.downloads)
    return removed
