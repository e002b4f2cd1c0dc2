"""Reads the timeline of the last run of a project in which tasks ran, from its event log."""

from __future__ import annotations

from pathlib import Path

from venvstacks.engine.journal import logs
from venvstacks.graph.schedule import critical_path
from venvstacks.insight.timeline import TimedTask, Timeline, in_order
from venvstacks.loading.project import Project
from venvstacks.records.event_log import Event, read_events


def last_timeline(project: Project) -> Timeline | None:
    """The timeline of the last run that can be read; None if there is none."""
    for path in logs(project.base / project.configuration.layout.runs):
        events = _events(path)
        ended = [event for event in events if event.event == "task ended" and event.task]
        if ended:
            return _timeline(project, events[0], ended)
    return None


def _timeline(project: Project, first: Event, ended: list[Event]) -> Timeline:
    seconds = {event.task: _seconds(event) for event in ended}
    critical = frozenset(critical_path(project.graph, seconds).tasks)
    tasks = (
        TimedTask(
            event.task,
            round(max(0.0, event.at - _seconds(event)), 3),
            round(_seconds(event), 3),
            event.task in critical,
            str(event.facts.get("status", "done")),
        )
        for event in ended
    )
    return Timeline(str(first.facts.get("time", "")), in_order(tasks))


def _seconds(event: Event) -> float:
    value = event.facts.get("seconds")
    return float(value) if isinstance(value, int | float) else 0.0


def _events(path: Path) -> list[Event]:
    try:
        return list(read_events(path))
    except (OSError, ValueError):  # removed meanwhile, or another version's
        return []
