"""Outcomes of tasks, and the protocol of listeners that are informed while a run goes on; independent of doit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from venvstacks.planning.plan import PlannedTask
from venvstacks.reasons import Reason

Status = Literal["done", "up to date", "failed", "blocked", "interrupted", "not run"]


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
        name: The task.
        status: How it ended.
        seconds: How long it ran.
        reasons: Why it ran.
        error: What went wrong, for failed tasks.
        values: What the task returned: JSON values by name.
        blocked_by: Tasks whose failure kept it from running.
    """

    name: str
    status: Status
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()
    error: BaseException | None = None
    values: Mapping[str, Any] | None = None
    blocked_by: tuple[str, ...] = ()


Progress = Callable[[str, int, int | None], None]


class Listener(Protocol):
    """Is informed about a run; `started` may be called from any thread, but there are never two calls at once."""

    def begin(self, total: int) -> None:
        """A run of so many tasks begins."""

    def started(self, name: str) -> None:
        """A task begins to run."""

    def ended(self, outcome: Outcome) -> None:
        """A task has ended or was found up to date."""

    def end(self) -> None:
        """Nothing more will come."""

    def waiting(self) -> None:
        """Another run holds the build folder; this one waits for it."""

    def foresee(self, seconds: Mapping[str, float]) -> None:
        """Before tasks run: how long those that will or may run took the last time, by name."""

    def warn(self, warning: str) -> None:
        """Before tasks run: something that people should know."""

    @property
    def progress(self) -> Progress | None:
        """Is called from any thread while something long goes on: what (often a task), bytes done, and in all."""


class Silence:
    """A listener that ignores everything; a base for listeners that need only some of the events."""

    def begin(self, total: int) -> None:
        """Do nothing."""

    def started(self, name: str) -> None:
        """Do nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""

    def waiting(self) -> None:
        """Do nothing."""

    def foresee(self, seconds: Mapping[str, float]) -> None:
        """Do nothing."""

    def warn(self, warning: str) -> None:
        """Do nothing."""

    @property
    def progress(self) -> Progress | None:
        """Nothing is called."""
        return None


def idle_outcomes(planned: Sequence[PlannedTask], listener: Listener) -> tuple[Outcome, ...]:
    """The outcomes of a run in which every task is up to date; empty if the plan says that some task may run.

    A plan and a run apply one rule to the same records and files (a test compares them), so neither doit nor the
    build lock is needed to know how such a run ends. If another run is under way, the tasks that it has begun are
    marked as begun, so it is not up to date.
    """
    if any(task.status != "up to date" for task in planned):
        return ()
    outcomes = tuple(Outcome(task.name, "up to date") for task in planned)
    listener.begin(len(outcomes))
    for outcome in outcomes:
        listener.ended(outcome)
    listener.end()
    return outcomes
