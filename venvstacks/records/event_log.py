"""Event logs of runs: one JSON line per event, written while a run goes on.

The log of a run is the source of `why`, of traces, and of reports. Times are seconds since the run began, so that
only the first line of a log depends on the machine's clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EventName = Literal["run began", "task began", "process ended", "task ended", "run ended"]


class Event(BaseModel):
    """One thing that happened.

    Attributes:
        event: What happened.
        at: Seconds since the run began.
        task: The task that it is about; empty for the run as a whole.
        facts: Further values by name.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    event: EventName
    at: float
    task: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)

    def line(self) -> str:
        """The event as it is written, with its line end."""
        return json.dumps(self.model_dump(exclude_defaults=True), ensure_ascii=False, sort_keys=True) + "\n"


def read_events(path: Path) -> Iterator[Event]:
    """The events of a run; a last line that a crash has left incomplete is skipped.

    Raises:
        OSError: There is no such log.
    """
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield Event.model_validate_json(line)


def trace_of(events: Iterable[Event], critical: Iterable[str] = ()) -> dict[str, object]:
    """A run in the Trace Event Format that Chrome's tracing page and Perfetto read.

    Tasks are complete events ("X", times in microseconds) on as few rows as their overlaps allow; child processes
    are on the row of their task. Tasks of the critical path have the category `critical`.
    """
    marked = set(critical)
    rows = _Rows()
    spans: list[dict[str, object]] = []
    for event in events:
        if event.event == "task began":
            rows.take(event.task)
        elif event.event in {"process ended", "task ended"} and rows.holds(event.task):
            seconds = float(event.facts.get("seconds", 0.0))
            name = event.task if event.event == "task ended" else event.facts.get("program", "process")
            spans.append(
                {
                    "name": name,
                    "cat": "critical" if event.task in marked else "task",
                    "ph": "X",
                    "ts": round((event.at - seconds) * 1e6),
                    "dur": round(seconds * 1e6),
                    "pid": 1,
                    "tid": rows.row(event.task),
                    "args": event.facts,
                }
            )
            if event.event == "task ended":
                rows.free(event.task)
    return {"displayTimeUnit": "ms", "traceEvents": spans}


class _Rows:
    """Rows of a chart: a task takes the first free one."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    def take(self, task: str) -> None:
        taken = set(self._rows.values())
        self._rows[task] = next(number for number in range(1, len(taken) + 2) if number not in taken)

    def holds(self, task: str) -> bool:
        return task in self._rows

    def row(self, task: str) -> int:
        return self._rows[task]

    def free(self, task: str) -> None:
        del self._rows[task]
