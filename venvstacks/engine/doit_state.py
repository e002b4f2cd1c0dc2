"""doit's database and file checker, on top of this product's own store and digests."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from doit.dependency import FileChangedChecker

from venvstacks.engine.paths import Paths
from venvstacks.records.input_facts import input_digest
from venvstacks.records.remembered_digests import RememberedDigests
from venvstacks.records.staleness import TaskRecord
from venvstacks.records.task_store import FAILED, INPUTS, STARTED, VALUES, Row, TaskStore


@dataclass(frozen=True)
class RecordHome:
    """Where a task of a `dodo.py` has its record.

    Attributes:
        state: The database.
        name: The task's name in it, without the prefix that it has in the `dodo.py`.
        paths: How paths are stored there.
    """

    state: Path
    name: str
    paths: Paths


DODO_TASKS: dict[str, RecordHome] = {}
"""Where the tasks of the `dodo.py` of this process have their records, by the names that doit knows them under.

doit has one database for all tasks; here each stack has its own, which `venvstacks` shares. doit gives its backend
nothing but names, so the function that hands a task to doit enters it here."""


class PathCodec:
    """Carries `Paths` through doit's configuration to the backend: doit makes codecs from a class without arguments.

    Use `PathCodec.bound_to(paths)` as `codec_cls`.
    """

    paths: Paths
    homes: Mapping[str, RecordHome] = MappingProxyType({})

    @classmethod
    def bound_to(cls, paths: Paths, homes: Mapping[str, RecordHome] | None = None) -> type[PathCodec]:
        """A codec class for these paths; `homes` are the tasks whose records are in another file."""
        return type("BoundPathCodec", (cls,), {"paths": paths, "homes": homes if homes is not None else {}})


class TaskRecords:
    """Records of the tasks of one stack, as doit reads and writes them; a row is committed when its last key is set.

    doit loses everything of a run that is killed, because its own backends write at the end. This one writes a row
    when doit sets the list of dependencies, which it does last for each task that succeeded.
    """

    def __init__(self, path: Path, paths: Paths) -> None:
        self.paths = paths
        self.store = TaskStore(path)
        self._pending: dict[str, Row] = {}

    def get(self, task: str, dependency: str) -> Any:  # noqa: ANN401 - rows hold whatever tasks saved
        """One value of a task's row, or None."""
        row = self._pending.get(task, {})
        key = self._key(dependency)
        value = row[key] if key in row else self.store.row(task).get(key)
        if dependency == INPUTS and value:
            return [self.paths.shown(path) for path in value]
        return value

    def set(self, task: str, dependency: str, value: Any) -> None:  # noqa: ANN401
        """Set one value; the row is written once the list of dependencies is set."""
        if dependency == VALUES:
            self._pending[task] = {}
        row = self._pending.setdefault(task, dict(self.store.row(task)))
        row[self._key(dependency)] = value
        if dependency == INPUTS:
            row[INPUTS] = sorted(self.paths.stored(path) for path in value)
            row.pop(STARTED, None)
            self.store.put(task, self._pending.pop(task))

    def _key(self, dependency: str) -> str:
        """Keys that end with a colon are doit's own; all others are paths."""
        return dependency if dependency.endswith(":") else self.paths.stored(dependency)

    def __contains__(self, task: str) -> bool:
        return task in self._pending or bool(self.store.row(task))

    def remove(self, task: str) -> None:
        """Forget a task."""
        self._pending.pop(task, None)
        if self.store.row(task):
            self.store.remove(task)

    def clear(self) -> None:
        """Forget all tasks."""
        self._pending.clear()
        self.store.clear()

    def close(self) -> None:
        """Write what is pending and close."""
        for task, row in self._pending.items():
            self.store.put(task, row)
        self._pending.clear()
        self.store.close()


class StateBackend:
    """doit's backend protocol; the records of each task are in the database of the stack that it belongs to.

    Args:
        name: The database of tasks that the codec says nothing about.
        codec: How paths are stored there, and which tasks have their records in other databases.
        module_name: doit's; unused.
    """

    desc = "task records of venvstacks (SQLite, committed per task)"

    def __init__(self, name: str, codec: PathCodec, *, module_name: str | None = None) -> None:  # noqa: ARG002
        self.name = name
        self._path = Path(name).absolute()
        self._codec = codec
        self._opened: dict[tuple[Path, Path], TaskRecords] = {}
        self._open(self._path, codec.paths)  # a damaged database is reported before anything runs

    def _open(self, state: Path, paths: Paths) -> TaskRecords:
        key = (state, paths.base)
        if key not in self._opened:
            self._opened[key] = TaskRecords(state, paths)
        return self._opened[key]

    def _find(self, task_id: str) -> tuple[TaskRecords, str]:
        home = self._codec.homes.get(task_id)
        if home is None:
            return self._open(self._path, self._codec.paths), task_id
        return self._open(home.state, home.paths), home.name

    def get(self, task_id: str, dependency: str) -> Any:  # noqa: ANN401 - rows hold whatever tasks saved
        """One value of a task's row, or None."""
        records, name = self._find(task_id)
        return records.get(name, dependency)

    def set(self, task_id: str, dependency: str, value: Any) -> None:  # noqa: ANN401
        """Set one value; the row is written once the list of dependencies is set."""
        records, name = self._find(task_id)
        records.set(name, dependency, value)

    def record(self, task_id: str) -> TaskRecord | None:
        """The record of a task's last run, or None if there is none."""
        records, name = self._find(task_id)
        return records.store.record(name)

    def mark_started(self, task_id: str) -> None:
        """Remember that a task began: if it does not finish, an earlier record is not to be trusted."""
        records, name = self._find(task_id)
        records.store.put(name, {**records.store.row(name), STARTED: True})

    def mark_failed(self, task_id: str, message: str, outputs: Collection[str]) -> None:
        """Remember in place of a record that a task failed, and how long it took when it last succeeded.

        A record of other outputs stays: what failed in one output folder says nothing about another one.
        """
        records, name = self._find(task_id)
        row = dict(records.store.row(name))
        values = row.get(VALUES) or {}
        recorded = values.get("outputs")
        if recorded is not None and set(recorded) != set(outputs):
            row.pop(STARTED, None)
            records.store.put(name, row)
            return
        kept = {key: value for key, value in values.items() if key == "seconds"}
        records.store.put(name, {FAILED: message, VALUES: kept})

    def in_(self, task_id: str) -> bool:
        """Whether there is a row."""
        records, name = self._find(task_id)
        return name in records

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        records, name = self._find(task_id)
        records.remove(name)

    def remove_all(self) -> None:
        """Forget all tasks, also those that have their records in other databases."""
        for home in self._codec.homes.values():
            self._open(home.state, home.paths)
        for records in self._opened.values():
            records.clear()

    def dump(self) -> None:
        """Write what is pending and close."""
        for records in self._opened.values():
            records.close()


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
