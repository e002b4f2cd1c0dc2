"""Cleaning a project: what renamed and removed layers have left is named and removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from venvstacks.actions.removed_layers import Leftover, RemovedLayers
from venvstacks.engine.build_lock import folder_lock
from venvstacks.engine.outcomes import Listener, Silence
from venvstacks.errors import SpecificationError, StateError
from venvstacks.loading.project import Project
from venvstacks.loading.specification_files import read_text
from venvstacks.model.draft import parse_draft
from venvstacks.model.names import env_name_of
from venvstacks.records.task_store import TaskStore
from venvstacks.tools.tree_removal import remove_tree


@dataclass(frozen=True)
class Cleaned:
    """What was removed, or would be.

    Attributes:
        removed: Files and folders of former layers.
        kept: Those that are not removed, each with the reason.
    """

    removed: tuple[Leftover, ...]
    kept: tuple[Leftover, ...]


def clean(project: Project, *, dry_run: bool = False, listener: Listener | None = None) -> Cleaned:
    """Remove what layers that the stack no longer has have left; waits for runs that use the build folder.

    Layers of other specifications in the same folder, which may use the same folders, are left alone.

    Raises:
        StateError: A folder cannot be read.
    """
    found = _search(project)
    if dry_run or not found:
        return _sorted_out(found)
    lock = folder_lock(project, (listener or Silence()).waiting)
    lock.acquire()
    try:
        done = _sorted_out([_remove(leftover) for leftover in _search(project)])  # a run may have changed something
        _forget(project, {one.layer for one in done.removed} - {one.layer for one in done.kept})
    finally:
        lock.release()
    return done


def _sorted_out(found: list[Leftover]) -> Cleaned:
    return Cleaned(tuple(one for one in found if not one.refused), tuple(one for one in found if one.refused))


def _search(project: Project) -> list[Leftover]:
    others = set(_others(project))
    wheels = {path.name for path in _own_wheels(project)} if others else set(project.stack.own_packages)
    layers = {*project.stack.by_env_name, *others}
    layout = project.configuration.layout
    try:
        return list(RemovedLayers(project.base, layout, layers, wheels, datetime.now(UTC)).leftovers())
    except OSError as error:
        raise StateError(
            f"the folders of the stack cannot be read: {error}", hint="check their owners and modes"
        ) from error


def _own_wheels(project: Project) -> Iterator[Path]:
    """All wheels of own packages: where several specifications share folders, none of them counts as left."""
    layout = project.configuration.layout
    yield from (project.base / layout.own_wheels).glob("*")
    yield from (path.with_suffix("") for path in (project.base / layout.requirements / "wheels").glob("*.json"))


def _others(project: Project) -> Iterator[str]:
    """Environment names of the layers of other specifications in the folder."""
    for place in sorted(project.base.glob("*.toml")):
        if place == project.path:
            continue
        try:
            draft = parse_draft(read_text(place, place.name), place.name)
        except SpecificationError:
            continue
        yield from (env_name_of(layer) for layer in draft.layers)


def _remove(leftover: Leftover) -> Leftover:
    if leftover.refused:
        return leftover
    try:
        if not leftover.only_empty:
            remove_tree(leftover.place)
        elif leftover.place.is_dir() and not any(leftover.place.iterdir()):
            leftover.place.rmdir()
    except OSError as error:
        return Leftover(leftover.layer, leftover.place, f"it cannot be removed: {error.strerror or error}")
    return leftover


def _forget(project: Project, layers: set[str]) -> None:
    """Remove the records of the layers' tasks."""
    place = project.base / project.configuration.layout.task_state
    if not place.is_file():
        return
    with TaskStore(place) as store:
        for name in store.names():
            if name.partition(":")[2] in layers:
                store.remove(name)
