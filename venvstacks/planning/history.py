"""The last run of a task, read from the event logs of the last runs."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvstacks.engine.journal import logs
from venvstacks.errors import UsageError
from venvstacks.loading.project import Project
from venvstacks.reasons import Reason
from venvstacks.records.event_log import Event, read_events
from venvstacks.suggestions import suggestion

_LOG_LINES = 20


@dataclass(frozen=True)
class LastRun:
    """The last run of a task.

    Attributes:
        task: Its name.
        time: When the run began that it was part of, ISO 8601 in UTC.
        door: What that was started with: `venvstacks` or `doit`.
        status: `done`, `cached` where the result was fetched from the remote cache, `failed`, or `killed` where nothing
            says how it ended.
        reasons: Why it ran.
        seconds: How long it took; None where it did not end.
        error: What went wrong.
        commands: The child processes, as lines for a shell.
        log: The file with what they printed.
        log_end: The last lines of it.
        events: The event log.
    """

    task: str
    time: str
    door: str
    status: str
    reasons: tuple[Reason, ...]
    seconds: float | None
    error: str | None
    commands: tuple[str, ...]
    log: Path
    log_end: tuple[str, ...]
    events: Path

    def as_json(self) -> dict[str, Any]:
        """The run as JSON data."""
        return {
            **vars(self),
            "reasons": [reason.as_json() for reason in self.reasons],
            "commands": list(self.commands),
            "log": str(self.log),
            "log_end": list(self.log_end),
            "events": str(self.events),
        }


def last_run(project: Project, task: str) -> LastRun | None:
    """The last run of a task of which there is a log, or None.

    Raises:
        UsageError: There is no such task.
    """
    if task not in project.graph.by_name:
        hint = suggestion(task, project.graph.by_name, otherwise="`venvstacks -v plan SPEC` names all tasks")
        raise UsageError(f"there is no task '{task}'", hint=hint)
    layout = project.configuration.layout
    found = (run_in_log(path, task, project.base / layout.log(task)) for path in logs(project.base / layout.runs))
    return next((run for run in found if run is not None), None)


def run_in_log(path: Path, task: str, log: Path) -> LastRun | None:
    """The run of a task as an event log has it; None where the task is not in it, or the log is damaged.

    Args:
        path: The event log.
        task: The task's name.
        log: The file with what the task's child processes printed.
    """
    events = list(_events(path))
    its_own = [event for event in events if event.task == task]
    if any(event.event == "task began" for event in its_own):
        with contextlib.suppress(KeyError, TypeError, AttributeError, ValueError):  # damaged, or another version's
            return _last_run(task, events[0], its_own, path, log)
    return None


def _events(path: Path) -> Iterator[Event]:
    """The events of a log, as far as they can be read."""
    try:
        yield from read_events(path)
    except (OSError, ValueError):  # it was removed meanwhile, or is another version's
        return


def _last_run(task: str, first: Event, events: Iterable[Event], path: Path, log: Path) -> LastRun:
    reasons: tuple[Reason, ...] = ()
    commands: list[str] = []
    end: Mapping[str, Any] = {}
    for event in events:
        if event.event == "task began":
            reasons = tuple(_reason(data) for data in event.facts.get("reasons", ()))
        elif event.event == "process ended":
            commands.append(command_line(event.facts))
        elif event.event == "task ended":
            end = event.facts
    return LastRun(
        task=task,
        time=str(first.facts.get("time", "")),
        door=str(first.facts.get("door", "")),
        status=str(end.get("status", "killed")),
        reasons=reasons,
        seconds=None if end.get("seconds") is None else float(end["seconds"]),
        error=None if end.get("error") is None else str(end["error"]),
        commands=tuple(commands),
        log=log,
        log_end=_end_of(log),
        events=path,
    )


def _reason(data: Mapping[str, Any]) -> Reason:
    """A reason of the log.

    Raises:
        TypeError: A value is not of its kind.
    """
    kind, subject, details = data["kind"], data["subject"], tuple(data["details"])
    if not all(isinstance(text, str) for text in (kind, subject, *details)):
        raise TypeError
    return Reason(kind, subject, data["old"], data["new"], details)


def command_line(facts: Mapping[str, Any]) -> str:
    """A child process as a line for a shell: its folder, its whole environment, its arguments.

    Variables of which only the name was noted are taken from the shell that runs the line.
    """
    names = [
        f'{name}="${name}"' if value is None else f"{name}={shlex.quote(value)}"
        for name, value in facts.get("env", {}).items()
    ]
    where = f"cd {shlex.quote(facts['cwd'])} && " if facts.get("cwd") else ""
    return f"{where}{' '.join(['env -i', *names])} {shlex.join(facts['argv'])}"


def _end_of(log: Path) -> tuple[str, ...]:
    try:
        return tuple(log.read_text("utf-8", errors="replace").splitlines()[-_LOG_LINES:])
    except OSError:
        return ()
