"""The timeline of a run: when each of its tasks began, how long it took, and which chain of tasks took the longest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TimedTask:
    """A task of a run.

    Attributes:
        name: Its name.
        began: Seconds after the run began.
        seconds: How long it took.
        is_critical: Whether it is part of the longest chain.
        status: How it ended.
    """

    name: str
    began: float
    seconds: float
    is_critical: bool = False
    status: str = "done"


@dataclass(frozen=True)
class Timeline:
    """A run.

    Attributes:
        time: When it began, ISO 8601.
        tasks: Its tasks in the order of their beginning.
    """

    time: str
    tasks: tuple[TimedTask, ...]

    @property
    def seconds(self) -> float:
        """When the last task ended, in seconds after the run began."""
        return max((task.began + task.seconds for task in self.tasks), default=0.0)

    @property
    def critical(self) -> tuple[TimedTask, ...]:
        """The longest chain of tasks."""
        return tuple(task for task in self.tasks if task.is_critical)

    def as_json(self) -> dict[str, Any]:
        """The run as JSON data."""
        return {"time": self.time, "seconds": round(self.seconds, 3), "tasks": [vars(task) for task in self.tasks]}


def in_order(tasks: Iterable[TimedTask]) -> tuple[TimedTask, ...]:
    """Tasks by the time of their beginning."""
    return tuple(sorted(tasks, key=lambda task: (task.began, task.name)))
