"""Compiled code that new instances have in common with other ones, stored once.

Only files that have one path in their layers are shared: in a flat environment they would be one file as well. The
dynamic linker takes a hard link to a library that is loaded for that library, so equal files of several paths stay
several.

Deltas and copies of instances share it with the instance that they are made from. This is for the rest: archives that
were unpacked, and layers of one deployment with the same wheel.
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.toolset import Tools
from venvstacks.deployment.steps.installed_files import listed_entries
from venvstacks.deployment.steps.instances import Prepared
from venvstacks.deployment.steps.place import Place, finished_instances
from venvstacks.digests import TreeEntry, sha256_file
from venvstacks.errors import InterruptedRunError
from venvstacks.tools.shared_files import is_compiled, replace_by_shared

_SMALLEST = 4096  # bytes; less is less than a block of most file systems


@dataclass(frozen=True)
class _Shareable:
    """What two files have to have in common.

    Attributes:
        path: Place in their layers.
        sha256: Hex digest.
        executable: Whether they may be executed.
    """

    path: str
    sha256: str
    executable: bool


def share_layer_files(prepared: Sequence[Prepared], place: Place, tools: Tools) -> None:
    """Replace compiled code of instances in the staging folder by files that share the blocks of the same code.

    What cannot be shared is left as it is.

    Raises:
        InterruptedRunError: The deploy is being stopped.
        DeployError: The store cannot be read.
    """
    wanted = {key for one in prepared for key, _ in _shareable(one.expected.entries.values())}
    known: dict[_Shareable, Path] = {}
    for record in finished_instances(place).values() if wanted else ():
        folder = place.instance(record.installed.id, record.installed.target)
        for key, entry in _shareable((listed_entries(place, record) or {}).values()):
            if key in wanted:
                known.setdefault(key, folder / entry.path)
    for one in prepared:
        folder = one.folder / one.bound.layer.target
        for key, entry in _shareable(one.expected.entries.values()):
            target = folder / entry.path
            source = known.setdefault(key, target)
            if source != target:
                if tools.processes.stopping:
                    raise InterruptedRunError
                with contextlib.suppress(OSError):
                    _share(source, target, entry)


def _shareable(entries: Iterable[TreeEntry]) -> Iterator[tuple[_Shareable, TreeEntry]]:
    for entry in entries:
        if not entry.is_link and entry.size >= _SMALLEST:
            yield _Shareable(entry.path, entry.sha256, entry.executable), entry


def _share(source: Path, target: Path, entry: TreeEntry) -> None:
    """Replace `target` by a file that shares the blocks of `source`, if that has the content that it should have."""
    if target.stat().st_nlink > 1 or not is_compiled(target):
        return
    info = source.lstat()
    regular = stat.S_ISREG(info.st_mode) and info.st_size == entry.size
    if regular and sha256_file(source, entry.size) == entry.sha256:
        replace_by_shared(source, target, executable=entry.executable)
