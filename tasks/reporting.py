"""How this repository's doit tasks report: a line when a task ends, its output where that is the point, failures whole.

doit's own reporter prints a line for every task that begins or is up to date, repeats failures, and mixes what tasks
print when several run at a time.
"""

from __future__ import annotations

import threading
import time
from typing import Any, TextIO

from doit.exceptions import BaseFail, UnmetDependency
from doit.reporter import ConsoleReporter

_INDENT = " " * 12


class Reporter(ConsoleReporter):  # type: ignore[misc] # doit has no types
    """A doit reporter.

    Two keys of a task's `meta` count: `show` prints in one piece what its actions printed once it has succeeded,
    `quiet` leaves out the line that says so.
    """

    desc = "one line for each task that ran"

    def __init__(self, outstream: TextIO, options: dict[str, Any]) -> None:
        super().__init__(outstream, options)
        self._guard = threading.Lock()
        self._begun: dict[str, float] = {}
        self._first = time.perf_counter()
        self._counts = {"done": 0, "up to date": 0, "failed": 0}

    def execute_task(self, task: Any) -> None:  # noqa: ANN401 - doit's task
        """Note when a task begins; doit calls this in the task's own thread."""
        self._begun[task.name] = time.perf_counter()
        if task.actions and task.verbosity == 2:
            self._say(f"{'...':>9}   {task.name}")  # its own output follows

    def add_success(self, task: Any) -> None:  # noqa: ANN401
        """Report that a task is done, and what it printed if that is asked for."""
        meta = task.meta or {}
        if not task.actions:
            return
        lines = [] if meta.get("quiet") else [self._ended(task)]
        if meta.get("show"):
            margin = "" if meta.get("quiet") else _INDENT
            lines += [margin + line for line in _printed(task)]
        self._counts["done"] += not meta.get("quiet")
        if lines:
            self._say("\n".join(lines))

    def skip_uptodate(self, task: Any) -> None:  # noqa: ANN401
        """Count a task."""
        self._counts["up to date"] += bool(task.actions)

    def add_failure(self, task: Any, fail: BaseFail) -> None:  # noqa: ANN401
        """Report at once what went wrong, with all output of the task that was not shown yet."""
        if isinstance(fail, UnmetDependency):
            self._say(f"{'not run':>9}   {task.name}")
            return
        self._counts["failed"] += 1
        unseen = _printed(task) if task.verbosity < 2 else []
        self._say("\n".join([f"{'failed':>9}   {task.name}", *unseen, fail.get_msg().rstrip()]))

    def complete_run(self) -> None:
        """Count up."""
        totals = ", ".join(f"{count} {what}" for what, count in self._counts.items() if count)
        self._say(f"{totals or 'nothing to do'} in {time.perf_counter() - self._first:.2f} s")
        for message in self.runtime_errors:
            self._say(message)

    def _ended(self, task: Any) -> str:  # noqa: ANN401
        seconds = time.perf_counter() - self._begun.get(task.name, self._first)
        return f"{seconds:7.2f} s   {task.name}"

    def _say(self, text: str) -> None:
        with self._guard:
            self.write(text + "\n")
            self.outstream.flush()


def _printed(task: Any) -> list[str]:  # noqa: ANN401
    texts = [text for action in task.actions for text in (action.out, action.err) if text]
    return [line for text in texts for line in text.splitlines()]
