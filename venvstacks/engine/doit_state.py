"""doit's database and file checker, on top of this product's own store and digests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from doit.dependency import FileChangedChecker

from venvstacks.engine.paths import Paths
from venvstacks.records.input_facts import input_digest
from venvstacks.records.remembered_digests import RememberedDigests
from venvstacks.records.task_store import FAILED, INPUTS, STARTED, VALUES, Row, TaskStore


class PathCodec:
    """Carries `Paths` through doit's configuration to the backend: doit makes codecs from a class without arguments.

    Use `PathCodec.bound_to(paths)` as `codec_cls`.
    """

    paths: Paths

    @classmethod
    def bound_to(cls, paths: Paths) -> type[PathCodec]:
        """A codec class for these paths."""
        return type("BoundPathCodec", (cls,), {"paths": paths})


class StateBackend:
    """doit's backend protocol over a `TaskStore`; a task's row is committed when its last key is set.

    doit loses everything of a run that is killed, because its own backends write at the end. This one writes a row
    when doit sets the list of dependencies, which it does last for each task that succeeded.
    """

    desc = "task records of venvstacks (SQLite, committed per task)"

    def __init__(self, name: str, codec: PathCodec, *, module_name: str | None = None) -> None:  # noqa: ARG002
        self.name = name
        self.paths = codec.paths
        self.store = TaskStore(Path(name))
        self._pending: dict[str, Row] = {}

    def get(self, task_id: str, dependency: str) -> Any:  # noqa: ANN401 - rows hold whatever tasks saved
        """One value of a task's row, or None."""
        row = self._pending.get(task_id, {})
        key = self._key(dependency)
        value = row[key] if key in row else self.store.row(task_id).get(key)
        if dependency == INPUTS and value:
            return [self.paths.shown(path) for path in value]
        return value

    def set(self, task_id: str, dependency: str, value: Any) -> None:  # noqa: ANN401
        """Set one value; the row is written once the list of dependencies is set."""
        if dependency == VALUES:
            self._pending[task_id] = {}
        row = self._pending.setdefault(task_id, dict(self.store.row(task_id)))
        row[self._key(dependency)] = value
        if dependency == INPUTS:
            row[INPUTS] = sorted(self.paths.stored(path) for path in value)
            row.pop(STARTED, None)
            self.store.put(task_id, self._pending.pop(task_id))

    def _key(self, dependency: str) -> str:
        """Keys that end with a colon are doit's own; all others are paths."""
        return dependency if dependency.endswith(":") else self.paths.stored(dependency)

    def mark_started(self, task_id: str) -> None:
        """Remember that a task began: if it does not finish, an earlier record is not to be trusted."""
        self.store.put(task_id, {**self.store.row(task_id), STARTED: True})

    def mark_failed(self, task_id: str, message: str) -> None:
        """Remember in place of a record that a task failed, and how long it took when it last succeeded."""
        values = self.store.row(task_id).get(VALUES) or {}
        kept = {name: value for name, value in values.items() if name == "seconds"}
        self.store.put(task_id, {FAILED: message, VALUES: kept})

    def in_(self, task_id: str) -> bool:
        """Whether there is a row."""
        return task_id in self._pending or bool(self.store.row(task_id))

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        self._pending.pop(task_id, None)
        if self.store.row(task_id):
            self.store.remove(task_id)

    def remove_all(self) -> None:
        """Forget all tasks."""
        self._pending.clear()
        self.store.clear()

    def dump(self) -> None:
        """Write what is pending and close."""
        for task_id, row in self._pending.items():
            self.store.put(task_id, row)
        self._pending.clear()
        self.store.close()


class ContentChecker(FileChangedChecker):  # type: ignore[misc] # doit has no types
    """A file has changed when its digest has; times never count.

    doit's own checker takes an equal modification time for equal content, which is wrong where times are set to a
    lock's epoch.
    """

    def __init__(self) -> None:
        self.digest = RememberedDigests(input_digest)

    def exists(self, file_path: str) -> bool:
        """Whether there is a file or link; where a link leads does not matter."""
        return os.path.lexists(file_path)

    def check_modified(self, file_path: str, file_stat: os.stat_result, state: str) -> bool:  # noqa: ARG002
        """Whether the content differs from `state`."""
        return self.digest(file_path) != state

    def get_state(self, dep: str, current_state: str | None) -> str:  # noqa: ARG002
        """The digest to be remembered."""
        return self.digest(dep)
