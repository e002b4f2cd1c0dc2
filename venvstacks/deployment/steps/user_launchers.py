"""Launchers of installed applications in a folder that users choose, kept in step with what is installed."""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from venvstacks._injected.postinstall import PostInstallError
from venvstacks.deployment.desktop_entry import DesktopEntry
from venvstacks.deployment.launcher_texts import (
    START_FOLDER,
    StartedApplication,
    is_launcher_of,
    launcher_text,
    start_file,
    start_text,
)
from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps.moved_layers import layer_config, python_home
from venvstacks.deployment.steps.place import Place
from venvstacks.deployment.steps.switch import write_start_files
from venvstacks.errors import UsageError
from venvstacks.linking.launch_command import launch_options
from venvstacks.model.platforms import TargetPlatform
from venvstacks.tools.file_systems import starts_programs
from venvstacks.tools.files import make_folders, read_regular, write_atomically, write_program

Warn = Callable[[str], None]

_ENTRY = ".desktop"


@dataclass(frozen=True)
class LauncherFolders:
    """Where launchers are written.

    Attributes:
        launchers: Folder of the launchers, absolute.
        entries: Folder of the desktop entries, absolute.
        files: Absolute paths of everything that was written and is not yet removed.
    """

    launchers: Path
    entries: Path
    files: tuple[Path, ...] = ()

    @property
    def both(self) -> tuple[Path, ...]:
        """The folders, each once."""
        return tuple(dict.fromkeys((self.launchers, self.entries)))


def read_launchers(place: Place) -> LauncherFolders | None:
    """The record of a deployment's launchers; None if it has none, or the record is damaged."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(read_regular(place.launchers))
        return LauncherFolders(Path(found["launchers"]), Path(found["entries"]), tuple(map(Path, found["files"])))
    return None


def _write_record(place: Place, folders: LauncherFolders) -> None:
    content: dict[str, object] = {"format": 1, "files": sorted(map(str, folders.files))}
    content |= {"launchers": str(folders.launchers), "entries": str(folders.entries)}
    write_atomically(place.launchers, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def prepare_launchers(place: Place, folders: LauncherFolders, names: Collection[str], platform: TargetPlatform) -> None:
    """Make the folders for launchers, and see that no file of others is in the way; before anything is deployed.

    Args:
        place: The deployment.
        folders: Where launchers are to be.
        names: The applications that will be installed.
        platform: This machine.

    Raises:
        UsageError: Something is in the way, or a folder cannot be written to.
    """
    for folder in folders.both:
        _refuse_own_folder(folder, place)
        try:
            make_folders(folder)
        except OSError as error:
            raise UsageError(f"launchers cannot be written to {folder}: {error.strerror or error}") from error
    _refuse_unstartable(folders.launchers)
    files = [folders.launchers / start_file(name, windows=platform.is_windows) for name in names]
    files += [folders.entries / f"{name}{_ENTRY}" for name in names if platform.system == "linux"]
    for file in files:
        if os.path.lexists(file) and not _is_ours(file, place):
            raise UsageError(
                f"{file} is there already, and is no launcher of this deployment",
                hint="remove it, or choose another folder for the launchers",
            )


def _refuse_own_folder(folder: Path, place: Place) -> None:
    """Refuse the folders of a deployment in which it removes what it does not know."""
    real = Path(os.path.realpath(folder))
    for own in (place.store, place.generations, place.staging, place.downloads):
        if own in (real, *real.parents):
            raise UsageError(
                f"launchers cannot be in {own}, from which the deployment removes what it does not need",
                hint="choose another folder for the launchers",
            )


def _refuse_unstartable(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it may hold the right launchers already
        if not starts_programs(folder):
            raise UsageError(
                f"launchers in {folder} could not be started: programs may not be started from its file system",
                hint="choose another folder for the launchers",
            )


def start_texts(place: Place, generation: Generation) -> dict[str, str]:
    """The launchers of a generation by name; without those of layers that are damaged."""
    found, windows = {}, _is_windows(generation)
    for name in generation.applications:
        with contextlib.suppress(PostInstallError, KeyError):
            found[start_file(name, windows=windows)] = start_text(_started(name, generation, place), windows=windows)
    return found


def _started(name: str, generation: Generation, place: Place) -> StartedApplication:
    application = generation.by_id[generation.applications[name]]
    folder = place.instance(application.id, application.target)
    config = layer_config(folder)
    home = python_home(folder, config)
    upper = [target for target, id_ in application.lower.items() if generation.by_id[id_].kind != "runtime"]
    return StartedApplication(
        name=name,
        folder=folder.parent.relative_to(place.root).as_posix(),
        python=f"{folder.name}/{config['python']}",
        base_python=posixpath.normpath(f"{folder.name}/{config['base_python']}"),
        layers=(*sorted(upper), folder.name),
        options=tuple(launch_options(config["py_version"], application.launch_module or "")),
        python_home=None if home is None else home.relative_to(folder.parent).as_posix(),
    )


def _is_windows(generation: Generation) -> bool:
    return generation.platform.startswith("win")


def update_launchers(place: Place, generation: Generation, warn: Warn, folders: LauncherFolders | None = None) -> None:
    """Write the launchers of what is installed now, and remove those of what is not; a failure is a warning.

    Args:
        place: The deployment, held by this process.
        generation: The current generation.
        warn: Called for each file that cannot be written or removed.
        folders: Where they are to be from now on; None for where they are.
    """
    before = read_launchers(place)
    target = folders or before
    if target is None:
        return
    current = place.generations / str(generation.number)
    try:
        if not (current / START_FOLDER).is_dir():  # made by an earlier version
            write_start_files(current, start_texts(place, generation))
        wanted = {**_launchers(place, generation, target.launchers), **_entries(place, generation, target)}
        known = {*(before.files if before else ()), *wanted}
        _write_record(place, replace(target, files=tuple(known)))  # first: a killed process leaves none unknown
        left = _write_and_remove(place, wanted, known, warn)
        _write_record(place, replace(target, files=tuple(left)))
    except OSError as error:
        warn(f"the launchers in {target.launchers} are not up to date: {error}; the next change tries again")


def _launchers(place: Place, generation: Generation, folder: Path) -> dict[Path, str]:
    windows = _is_windows(generation)
    return {
        folder / start_file(name, windows=windows): launcher_text(name, place.root, windows=windows)
        for name in generation.applications
    }


def _entries(place: Place, generation: Generation, folders: LauncherFolders) -> dict[Path, str]:
    """Desktop entries, on Linux, of those applications that say how desktops show them."""
    found = {}
    for name, id_ in generation.applications.items() if generation.platform.startswith("linux") else ():
        with contextlib.suppress(PostInstallError):
            data = layer_config(place.instance(id_, generation.by_id[id_].target)).get("desktop")
            if (entry := DesktopEntry.read(data)) is not None:
                layer = place.pointer / "apps" / name
                found[folders.entries / f"{name}{_ENTRY}"] = entry.text(place.root, folders.launchers / name, layer)
    return found


def _write_and_remove(place: Place, wanted: Mapping[Path, str], known: Collection[Path], warn: Warn) -> set[Path]:
    """Bring the files in line; returns those that are there."""
    left = set(wanted)
    for file in known:
        try:
            if file not in wanted:
                if _is_ours(file, place):
                    file.unlink()
            elif os.path.lexists(file) and not _is_ours(file, place):
                warn(f"{file} was replaced, and is left as it is")
                left.discard(file)
            else:
                make_folders(file.parent)
                write_program(file, wanted[file])
        except OSError as error:
            warn(f"{file} cannot be changed: {error.strerror or error}; the next change tries again")
            left.add(file)
    return left


def remove_launchers(place: Place, warn: Warn) -> None:
    """Remove all launchers, for a deployment that is being removed."""
    if (before := read_launchers(place)) is not None:
        _write_and_remove(place, {}, before.files, warn)


def _is_ours(file: Path, place: Place) -> bool:
    """Whether a file is a launcher of this deployment."""
    try:
        return is_launcher_of(read_regular(file).decode("utf-8", "replace"), place.root)
    except OSError:
        return False
