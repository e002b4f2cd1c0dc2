"""The reporter that doit's runner calls: turns its calls into outcomes and events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from doit.exceptions import BaseFail, DependencyError, UnmetDependency

from venvstacks.engine.doit_tasks import Freshness, TaskAction
from venvstacks.engine.outcomes import Listener, Outcome, Status
from venvstacks.errors import InterruptedRunError, MissingInputError


class Reporter:
    """doit's reporter protocol; `execute_task` comes from worker threads, everything else from the main one.

    Attributes:
        outcomes: How each task ended, by name.
        defects: What doit reported apart from failed tasks.
    """

    def __init__(self, listener: Listener) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.defects: list[str] = []
        self._listener: Listener | None = listener
        self._guard = threading.Lock()

    def _inform(self, call: Callable[[Listener], None]) -> None:
        """Inform the listener; one that fails (a closed terminal, say) gets no further calls, and the run goes on."""
        if self._listener is None:
            return
        try:
            call(self._listener)
        except Exception as error:  # noqa: BLE001 - an exception here would end the run, or hang it
            self._listener = None
            if not isinstance(error, BrokenPipeError):
                self.defects.append(f"the display failed: {type(error).__name__}: {error}")

    def begin(self, total: int) -> None:
        """A run of so many tasks begins."""
        self._inform(lambda listener: listener.begin(total))

    def end(self) -> None:
        """The run has ended."""
        self._inform(lambda listener: listener.end())

    def initialize(self, tasks: object, selected_tasks: object) -> None:
        """The run begins for doit."""

    def get_status(self, task: object) -> None:
        """A task is about to be checked."""

    def execute_task(self, task: Any) -> None:  # noqa: ANN401
        """A task begins to run."""
        with self._guard:
            self._inform(lambda listener: listener.started(task.name))

    def add_success(self, task: Any) -> None:  # noqa: ANN401
        """A task was done, and is recorded."""
        self._end(task, "done")

    def skip_uptodate(self, task: Any) -> None:  # noqa: ANN401
        """A task was up to date."""
        self._end(task, "up to date")

    def skip_ignore(self, task: Any) -> None:  # noqa: ANN401
        """A task was ignored."""
        self._end(task, "not run")

    def add_failure(self, task: Any, fail: BaseFail) -> None:  # noqa: ANN401
        """A task failed, or cannot run because of others."""
        action: TaskAction = task.actions[0]
        if isinstance(fail, UnmetDependency):
            self._end(task, "blocked", blocked_by=self._roots(str(fail.message).split()))
        elif isinstance(action.error, InterruptedRunError):
            self._end(task, "interrupted", error=action.error)
        elif isinstance(fail, DependencyError) and action.error is None:
            error = MissingInputError(f"an input of {task.name} was removed while the task ran: {fail.message}")
            self._end(task, "failed", error=error)
        else:
            self._end(task, "failed", error=action.error or RuntimeError(fail.get_msg()))

    def _roots(self, names: list[str]) -> tuple[str, ...]:
        """The tasks that failed, in place of those that they blocked."""
        known = [(name, self.outcomes.get(name)) for name in names]
        found = [outcome.blocked_by if outcome and outcome.blocked_by else (name,) for name, outcome in known]
        return tuple(sorted({root for roots in found for root in roots}))

    def _end(
        self,
        task: Any,  # noqa: ANN401
        status: Status,
        error: BaseException | None = None,
        blocked_by: tuple[str, ...] = (),
    ) -> None:
        action: TaskAction = task.actions[0]
        freshness: Freshness = task.uptodate[0][0]
        ran = status in {"done", "failed", "interrupted"}
        outcome = Outcome(
            task.name,
            status,
            action.seconds if ran else 0.0,
            freshness.reasons if ran else (),
            error,
            action.values if status == "done" else None,
            blocked_by,
        )
        with self._guard:
            self.outcomes[task.name] = outcome
            self._inform(lambda listener: listener.ended(outcome))

    def cleanup_error(self, exception: BaseFail) -> None:
        """A teardown failed."""
        self.defects.append(exception.get_msg())

    def runtime_error(self, msg: str) -> None:
        """The run cannot go on."""
        self.defects.append(msg)

    def teardown_task(self, task: object) -> None:
        """A teardown begins."""

    def complete_run(self) -> None:
        """The run has ended for doit."""
