"""What a run tells while it goes on, and what it says about each task in the end; knows nothing of doit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        status: What became of it.
        seconds: How long it ran.
        reasons: Why it ran.
        error: What went wrong, for failed tasks.
        values: What the task reported.
        blocked_by: Tasks whose failure kept it from running.
    """

    name: str
    status: Status
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()
    error: BaseException | None = None
    values: Mapping[str, Any] | None = None
    blocked_by: tuple[str, ...] = ()


class Listener(Protocol):
    """Is told what happens; `started` may come from any thread, but never two calls at once."""

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


class Silence:
    """A listener that tells nobody."""

    def begin(self, total: int) -> None:
        """Say nothing."""

    def started(self, name: str) -> None:
        """Say nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""

    def waiting(self) -> None:
        """Say nothing."""


def idle_outcomes(planned: Sequence[PlannedTask], listener: Listener) -> tuple[Outcome, ...]:
    """The outcomes of a run whose plan says that nothing is to be done; none at all if something may be.

    A plan and a run apply one rule to the same records and files (a test holds them together), so nothing else has
    to be loaded or locked to know how such a run ends. Should another run be under way, whatever it has begun is
    marked as begun, hence not up to date.
    """
    if any(task.status != "up to date" for task in planned):
        return ()
    outcomes = tuple(Outcome(task.name, "up to date") for task in planned)
    listener.begin(len(outcomes))
    for outcome in outcomes:
        listener.ended(outcome)
    listener.end()
    return outcomes
