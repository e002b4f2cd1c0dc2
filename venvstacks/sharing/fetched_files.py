"""Files of results that other machines have made: fetched and compared first, put in place by their tasks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from venvstacks.actions.publishing.publish import ReadyArchive
from venvstacks.actions.table import TaskActions
from venvstacks.actions.wheels.wheel_tasks import put_wheel
from venvstacks.errors import BuildError
from venvstacks.records.package_lists import PackageList
from venvstacks.records.tree_records import (
    BuildRecord,
    CheckRecord,
    LibrariesRecord,
    LinkRecord,
    ProvidedRecord,
    Record,
    RuntimeRecord,
    StaticCheckRecord,
)
from venvstacks.sharing.action_key import ARCHIVE, PACKAGES, WHEEL, Keyed, KeyedTask, KeyedWheel
from venvstacks.sharing.action_result import ActionResult, Blob
from venvstacks.sharing.careful_store import CarefulStore
from venvstacks.tools.files import write_atomically
from venvstacks.tools.tree_removal import remove_tree

_RECORDS: Mapping[str, type[Record]] = {
    "build": BuildRecord, "runtime": RuntimeRecord, "link": LinkRecord, "provided": ProvidedRecord,
    "libraries": LibrariesRecord, "check": CheckRecord,
    "headers": StaticCheckRecord,
}  # fmt: skip
"""The kind of a record by the name of its folder."""

_PACKED = {ARCHIVE, WHEEL}
"""Roles of files of any size, which are no records of this program."""

_LARGEST_RECORD = 256 << 20
_LISTS = {"warnings", "notes"}  # of sentences that are shown


@dataclass(frozen=True)
class FetchedFiles:
    """The files of results in a folder of their own, by content; used by several threads.

    Attributes:
        actions: The project's actions.
        store: The store.
        folder: The folder.
    """

    actions: TaskActions
    store: CarefulStore
    folder: Path

    def fetch(self, result: ActionResult) -> bool:
        """Fetch all files of a result that are not here yet; False if one cannot be had."""
        return all(self._place(blob).exists() or self._fetch(role, blob) for role, blob in result.outputs.items())

    def put_in_place(self, task: Keyed, result: ActionResult) -> Mapping[str, object]:
        """Write the result of a task from its fetched files; returns what is to be recorded about it.

        Raises:
            BuildError: It cannot be written.
            PublishError: The same, of archives.
        """
        if task.node.kind == "archive":
            blob, packages = result.outputs[ARCHIVE], self._place(result.outputs[PACKAGES]).read_bytes()
            return self.actions.archive(task.node, ReadyArchive(self._place(blob), blob.size, blob.sha256, packages))
        try:
            if isinstance(task, KeyedWheel):
                return put_wheel(self.actions, task.node, self._place(result.outputs[WHEEL]))
            self._place_records(task, result)
        except OSError as error:
            raise BuildError(
                f"the fetched result of {task.node.name} cannot be written: {error}",
                hint="check free space and permissions of the build folder",
            ) from error
        return {name: value for name, value in result.values.items() if name not in _LISTS or isinstance(value, list)}

    def _fetch(self, role: str, blob: Blob) -> bool:
        """Fetch a file; a record has to be one of this program's."""
        place = self._place(blob)
        part = place.with_name(f"{place.name}.{threading.get_ident()}")
        if (role not in _PACKED and blob.size > _LARGEST_RECORD) or not self.store.fetch(blob, part):
            return False
        if role not in _PACKED:
            try:
                _validate(role, part.read_bytes())
            except (KeyError, ValueError):
                return False
        part.replace(place)
        return True

    def _place(self, blob: Blob) -> Path:
        return self.folder / blob.sha256

    def _place_records(self, task: KeyedTask, result: ActionResult) -> None:
        """Write the records of a result, that of its tree last, and remove the environment that they are not about."""
        base, layout = self.actions.base, self.actions.configuration.layout
        content: dict[Path, bytes] = {}
        for role, path in task.outputs.items():
            assert path is not None  # noqa: S101 - only archives have outputs without one
            content[base / path] = self._place(result.outputs[role]).read_bytes()
        (first, *_) = content  # the record that the task writes last
        remove_tree(first)
        if task.node.kind == "build":
            remove_tree(base / layout.environment(task.layer))
        for tree in task.node.trees:
            remove_tree(base / tree)
        for place, data in reversed(content.items()):
            write_atomically(place, data)


def _validate(role: str, content: bytes) -> None:
    """Refuse what is not of the kind that its role says.

    Raises:
        ValueError: It is not.
    """
    if role == PACKAGES:
        PackageList.unpack(content)
    else:
        _RECORDS[Path(role).parent.name].model_validate_json(content)
