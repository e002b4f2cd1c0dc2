"""The database of task records: one SQLite file, one committed row per task.

Rows are dictionaries of JSON values, as doit keeps them; `TaskStore.record` reads one as a `TaskRecord`. Each change
is committed at once, so that a killed run loses no finished task, and a failing task does not block
others. Nothing waits for the disk, neither here nor for what tasks write: a record that is on the disk before the files
that it vouches for would be worse than none. After a power failure, the build folder is best removed.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

from venvstacks.errors import StateError
from venvstacks.records.staleness import CHANGED_MEANWHILE, TaskRecord

Row = dict[str, Any]

VALUES = "_values_:"
INPUTS = "deps:"
STARTED = "started:"
FAILED = "failed:"
_BUSY_SECONDS = 30.0
_LOOK = "select name, row from task limit 1"
_ANYTHING = "select count(*) from sqlite_master"


class TaskStore:
    """Rows by task name; safe to use from several threads and processes.

    Args:
        path: The file; created with its folder at the first write, if `writable`.
        writable: Whether it may be written to; if not, no file is created or changed.

    Raises:
        StateError: The file is there but is no such database, or cannot be opened.
    """

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self.path = path
        self._guard = threading.RLock()
        self._connection = self._open(writable)
        self._rows: dict[str, Row] = {}

    def _open(self, writable: bool) -> sqlite3.Connection | None:  # noqa: FBT001
        try:
            if writable:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                return self._connect(
                    "rwc", "create table if not exists task (name text primary key, row text not null)"
                )
            try:
                return self._look()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                    raise
            # a run was killed while it committed: opening the file for writing takes that half commit back
            self._connect("rw", _ANYTHING).close()
            return self._look()
        except (sqlite3.Error, OSError) as error:
            raise self._failure(error) from error

    def _look(self) -> sqlite3.Connection | None:
        """A connection for reading; none without a file, or if a run was killed before anything was in it."""
        if not self.path.exists() or not self.path.stat().st_size:
            return None
        return self._connect("ro", _LOOK)

    def _connect(self, mode: str, statement: str) -> sqlite3.Connection:
        """A connection on which `statement` has been executed and committed."""
        address = f"{self.path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            connection.execute("pragma synchronous = off")  # a commit takes 0.1 instead of 10 ms
            with connection:
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _failure(self, error: Exception) -> StateError:
        hint = "remove the file, and the next run looks at everything again; or check its permissions"
        if "full" in str(error):  # SQLite's own words, and those of the system
            hint = "make room on the disk of the build folder; nothing has to be removed"
        return StateError(f"the task state {self.path} cannot be used: {error}", hint=hint)

    def row(self, task: str) -> Row:
        """The row of `task`; empty if there is none."""
        with self._guard:
            if task not in self._rows:
                self._rows[task] = self._read(task)
            return self._rows[task]

    def _read(self, task: str) -> Row:
        if self._connection is None:
            return {}
        try:
            with closing(self._connection.execute("select row from task where name = ?", (task,))) as found:
                text = found.fetchone()
            return dict(json.loads(text[0])) if text else {}
        except (sqlite3.Error, ValueError, TypeError, RecursionError) as error:
            raise self._failure(error) from error

    def put(self, task: str, row: Row) -> None:
        """Make `row` the row of `task`, and commit."""
        with self._guard:
            self._rows[task] = row
            text = json.dumps(row, sort_keys=True)  # escaped: names of files need not be Unicode, SQLite's text has to
            self._change("insert or replace into task values (?, ?)", task, text)

    def remove(self, task: str) -> None:
        """Forget `task`, and commit."""
        with self._guard:
            self._rows[task] = {}
            self._change("delete from task where name = ?", task)

    def clear(self) -> None:
        """Forget everything, and commit."""
        with self._guard:
            self._rows.clear()
            self._change("delete from task")

    def _change(self, statement: str, *arguments: str) -> None:
        if self._connection is None:
            raise StateError(f"the task state {self.path} is open for reading only")
        try:
            with self._connection:
                self._connection.execute(statement, arguments)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def names(self) -> tuple[str, ...]:
        """Names of all tasks that have a row, sorted."""
        with self._guard:
            if self._connection is None:
                return ()
            try:
                return tuple(name for (name,) in self._connection.execute("select name from task order by name"))
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def record(self, task: str) -> TaskRecord | None:
        """The record of `task`'s last run, or None if there is none, or another version's."""
        row = self.row(task)
        if not row.keys() & {INPUTS, FAILED, STARTED}:
            return None
        values = row.get(VALUES) or {}
        with suppress(AttributeError, TypeError, ValueError):
            return TaskRecord(
                inputs={path: _settled(digest, row.get(path)) for path, digest in values.get("inputs", {}).items()},
                fingerprint=dict(values.get("fingerprint", {})),
                outputs=tuple(values.get("outputs", ())),
                seconds=float(values.get("seconds", 0.0)),
                interrupted=bool(row.get(STARTED)),
                failed=str(row[FAILED]) if FAILED in row else None,
                facts={path: dict(facts) for path, facts in values.get("facts", {}).items()},
                finished=INPUTS in row,
            )
        return None

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _settled(before: str, after: str | None) -> str:
    """An input's digest, if it was the same before the task (this program's note) and after it (doit's)."""
    return before if after in {before, None} else CHANGED_MEANWHILE
