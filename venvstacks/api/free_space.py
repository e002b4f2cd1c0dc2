"""Warnings about disks that have too little room for what a run is expected to write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from venvstacks.errors import VenvstacksError
from venvstacks.insight.readable import readable_bytes
from venvstacks.loading.project import Project
from venvstacks.locking.pylock import read_lock
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.locking.wheel_choice import WheelTarget, fitting_wheel
from venvstacks.model.stack import Layer
from venvstacks.records.published_metadata import read_metadata
from venvstacks.tools.file_systems import free_bytes

_UNPACKED = 3  # times the size of a wheel, roughly: numpy 3.6, torch for CUDA 2.0, pure Python 3 to 4


def space_warnings(
    project: Project, tasks: Sequence[str], free_space: Callable[[Path], int] = free_bytes
) -> Iterator[str]:
    """A sentence for each disk that has too little room.

    Layers are expected to be as large as they were when they were last published; those that never were, as the wheels
    of their locks. Files that are linked from the cache take no room, so this is a warning and no error.

    Args:
        project: The project.
        tasks: Names of the tasks that are going to run.
        free_space: Gives the bytes that are free where a folder is.
    """
    needed: Counter[Path] = Counter()
    for task in tasks:
        kind, _, name = task.partition(":")
        if kind in _FOLDERS and name in project.stack.by_env_name:
            unpacked, packed = _sizes(project, project.stack.by_env_name[name])
            needed[project.base / _FOLDERS[kind](project)] += packed if kind == "archive" else unpacked
    devices: dict[int, list[Path]] = {}
    for folder in needed:
        devices.setdefault(existing_folder(folder).stat().st_dev, []).append(folder)
    for folders in devices.values():
        total, free = sum(needed[folder] for folder in folders), free_space(existing_folder(folders[0]))
        if free < total:
            yield (
                f"the disk of {folders[0]} has {readable_bytes(free)} free, and this run writes about "
                f"{readable_bytes(total)}: make room, or choose folders on another disk"
            )


_FOLDERS: dict[str, Callable[[Project], str]] = {
    "build": lambda project: project.configuration.layout.environments,
    "archive": lambda project: project.configuration.layout.artifacts,
    "export": lambda project: project.configuration.layout.export,
}


def existing_folder(folder: Path) -> Path:
    """A folder, or the nearest one above it that exists."""
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def _sizes(project: Project, layer: Layer) -> tuple[int, int]:
    """Bytes of a layer's files, and of its archive; 0 where neither is known."""
    layout, tag = project.configuration.layout, project.configuration.tag
    published = read_metadata(project.base / layout.published_metadata(layout.artifacts, layer, tag))
    if published is not None:
        return published.product.uncompressed_size, published.archive_size or 0
    wheels = _wheel_bytes(project, layer)
    return wheels * _UNPACKED, wheels


def _wheel_bytes(project: Project, layer: Layer) -> int:
    """Bytes of the wheels that a layer's lock names for the target platform."""
    platform = project.configuration.platform
    if platform is None:
        return 0
    try:
        text = (project.base / project.configuration.layout.lock_file(layer)).read_text("utf-8")
        lock = read_lock(text, layer.python).lock
    except (OSError, UnicodeDecodeError, UnusableLockError, VenvstacksError):
        return 0  # the task itself says what is wrong
    target = WheelTarget(platform, layer.python, layer.glibc, layer.macos)
    wheels = (fitting_wheel(package, target) for package in lock.installed(platform.name))
    return sum(wheel.size or 0 for wheel in wheels if wheel)
