"""The event log of a run: a file of JSON lines in the state folder, written while the run goes on.

Both doors write it, since each task writes its own events. A run in which no task runs leaves no log behind.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from venvstacks.actions.table import TaskActions
from venvstacks.loading.project import Project
from venvstacks.records.event_log import Event, EventName
from venvstacks.tools.process import Completed
from venvstacks.urls import without_secrets

KEPT = 20
"""Logs of this many runs are kept."""


class Journal:
    """Events of one run; safe to use from several threads, and at the same time as journals of other processes.

    A log that cannot be written (a full disk) is dropped, and the run goes on.

    Args:
        folder: Where logs are kept; None for a journal that keeps nothing.
        door: What the run was started with, for the first event.
    """

    def __init__(self, folder: Path | None, door: str = "") -> None:
        self.path: Path | None = None
        self._folder = folder
        self._door = door
        self._stream: IO[str] | None = None
        self._began = time.perf_counter()
        self._guard = threading.Lock()

    def write(self, event: EventName, task: str = "", *, ago: float = 0.0, **facts: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write an event, which happened `ago` seconds before this call."""
        with self._guard, contextlib.suppress(OSError):
            if self._folder is None:
                return
            stream = self._stream or self._open(self._folder)
            at = round(time.perf_counter() - self._began - ago, 4)
            stream.write(Event(event=event, at=at, task=task, facts=facts).line())
            stream.flush()

    def _open(self, folder: Path) -> IO[str]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            now = datetime.now(UTC)
            self.path = folder / f"{now:%Y%m%dT%H%M%S.%fZ}-{os.getpid()}.jsonl"
            self._stream = self.path.open("x", encoding="utf-8", errors="replace")  # paths need not be Unicode
            self._stream.write(
                Event(event="run began", at=0.0, facts={"door": self._door, "time": now.isoformat()}).line()
            )
        except OSError:
            self.path = self._folder = None
            raise
        for old in logs(folder)[KEPT:]:
            with contextlib.suppress(OSError):  # another process may have it open
                old.unlink()
        return self._stream

    def close(self) -> None:
        """End the log; nothing is written of a run in which no task ran."""
        if self._stream is not None:
            self.write("run ended")
            with self._guard, contextlib.suppress(OSError):
                self._stream.close()
                self._stream = self._folder = None


_SHOWN = frozenset({
    "LC_ALL", "PYTHONHASHSEED", "UV_NO_INSTALLER_METADATA", "UV_NO_PROGRESS", "UV_PYTHON_DOWNLOADS",
})  # fmt: skip
"""Variables that this program itself sets for its children; the values of all others may be secrets of the user."""


class ProcessWatch:
    """Notes which child processes the tasks of a run started, so that people can repeat them by hand.

    Args:
        journal: Where to.
        tasks: Task by the name of its log file.
    """

    def __init__(self, journal: Journal, tasks: Mapping[str, str]) -> None:
        self._journal = journal
        self._tasks = tasks

    def __call__(self, done: Completed, log: Path | None, cwd: Path | None, env: Mapping[str, str]) -> None:
        """Note a child process that has ended.

        Of most variables only the name is noted, since any value may be a secret.
        """
        task = self._tasks.get(log.name, "") if log else ""
        self._journal.write(
            "process ended",
            task,
            program=Path(done.argv[0]).name,
            argv=[without_secrets(argument) for argument in done.argv],
            cwd=str(cwd) if cwd else None,
            env={name: value if name in _SHOWN else None for name, value in sorted(env.items())},
            status=done.returncode,
            seconds=round(done.seconds, 4),
        )


def keep_journal(project: Project, actions: TaskActions, door: str) -> Journal:
    """The event log of a run of a project, which also notes the child processes that its tasks start.

    Args:
        project: The project.
        actions: The actions of its tasks.
        door: What the run was started with.
    """
    layout = project.configuration.layout
    journal = Journal(project.base / layout.runs, door)
    tasks = {Path(layout.log(name)).name: name for name in project.graph.by_name}
    actions.tools.processes.watch = ProcessWatch(journal, tasks)
    return journal


def logs(folder: Path) -> list[Path]:
    """The logs in a folder, the latest first."""
    return sorted(folder.glob("*.jsonl"), reverse=True)
