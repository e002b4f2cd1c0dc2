"""Launchers of installed applications in a folder that users choose, kept in step with what is installed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from venvstacks._injected.postinstall import PostInstallError
from venvstacks.deployment.launcher_texts import (
    START_FOLDER,
    StartedApplication,
    is_launcher_of,
    launcher_text,
    start_file,
    start_text,
)
from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps.instances import layer_config
from venvstacks.deployment.steps.place import Place
from venvstacks.deployment.steps.switch import write_start_files
from venvstacks.errors import UsageError
from venvstacks.linking.launch_command import launch_options
from venvstacks.tools.files import make_folders, read_regular, write_atomically, write_program

Warn = Callable[[str], None]


@dataclass(frozen=True)
class LauncherFolders:
    """Where launchers are written.

    Attributes:
        launchers: Folder of the launchers, absolute.
        files: Absolute paths of everything that was written and is not yet removed.
    """

    launchers: Path
    files: tuple[Path, ...] = ()


def read_launchers(place: Place) -> LauncherFolders | None:
    """The record of a deployment's launchers; None if it has none, or the record is damaged."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(read_regular(place.launchers))
        return LauncherFolders(Path(found["launchers"]), tuple(map(Path, found["files"])))
    return None


def _write_record(place: Place, folders: LauncherFolders) -> None:
    content = {"files": sorted(map(str, folders.files)), "format": 1, "launchers": str(folders.launchers)}
    write_atomically(place.launchers, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def prepare_launchers(place: Place, folder: Path, names: Collection[str], *, windows: bool) -> None:
    """Make the folder for launchers, and see that no file of others is in the way; before anything is deployed.

    Raises:
        UsageError: Something is in the way, or the folder cannot be written to.
    """
    try:
        make_folders(folder)
    except OSError as error:
        raise UsageError(f"launchers cannot be written to {folder}: {error.strerror or error}") from error
    for name in names:
        file = folder / start_file(name, windows=windows)
        if os.path.lexists(file) and not _is_ours(file, place):
            raise UsageError(
                f"{file} is there already, and is no launcher of this deployment",
                hint="remove it, or choose another folder for the launchers",
            )


def start_texts(place: Place, generation: Generation) -> dict[str, str]:
    """The launchers of a generation by name; without those of layers that are damaged."""
    found, windows = {}, _is_windows(generation)
    for name, id_ in generation.applications.items():
        application = generation.by_id[id_]
        folder = place.instance(id_, application.target)
        with contextlib.suppress(PostInstallError, KeyError):
            config = layer_config(folder)
            python = (folder / config["python"]).relative_to(place.root).as_posix()
            options = launch_options(config["py_version"], application.launch_module or "")
            started = StartedApplication(name, python, tuple(options))
            found[start_file(name, windows=windows)] = start_text(started, windows=windows)
    return found


def _is_windows(generation: Generation) -> bool:
    return generation.platform.startswith("win")


def update_launchers(place: Place, generation: Generation, warn: Warn, folder: Path | None = None) -> None:
    """Write the launchers of what is installed now, and remove those of what is not; a failure is a warning.

    Args:
        place: The deployment, held by this process.
        generation: The current generation.
        warn: Called for each file that cannot be written or removed.
        folder: Where they are to be from now on; None for where they are.
    """
    before = read_launchers(place)
    target = folder or (before.launchers if before else None)
    if target is None:
        return
    current, windows = place.generations / str(generation.number), _is_windows(generation)
    try:
        if not (current / START_FOLDER).is_dir():  # made by an earlier version
            write_start_files(current, start_texts(place, generation))
        wanted = {
            target / start_file(name, windows=windows): launcher_text(name, place.root, windows=windows)
            for name in generation.applications
        }
        known = {*(before.files if before else ()), *wanted}
        _write_record(place, LauncherFolders(target, tuple(known)))  # first: a killed process leaves none unknown
        left = _write_and_remove(place, wanted, known, warn)
        _write_record(place, LauncherFolders(target, tuple(left)))
    except OSError as error:
        warn(f"the launchers in {target} are not up to date: {error}; the next change tries again")


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
