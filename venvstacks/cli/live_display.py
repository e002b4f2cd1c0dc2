"""The display of a run on a terminal: a bar for all tasks, and one for each that is running."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from venvstacks.cli.colours import has_colours
from venvstacks.cli.printable import printable
from venvstacks.cli.progress import PlainLines
from venvstacks.engine.outcomes import Outcome
from venvstacks.insight.readable import readable_bytes

_BAR = 16  # columns


class LiveDisplay(PlainLines):
    """The lines of finished tasks, above a bar and what is running at the moment."""

    def __init__(self, makers: Mapping[str, str], *, verbose: bool) -> None:
        super().__init__(makers, verbose=verbose)
        self.progress = self.move
        self._display: Progress | None = None
        self._total: TaskID | None = None
        self._running: dict[str, TaskID] = {}
        self._parts: dict[str, TaskID] = {}
        self._seconds: Mapping[str, float] = {}
        self._count = 0
        self._ended = 0

    def foresee(self, seconds: Mapping[str, float]) -> None:
        """Keep how long tasks took the last time: their bars move accordingly."""
        self._seconds = seconds

    def begin(self, total: int) -> None:
        """The display itself appears with the first task that runs: a run with nothing to do needs none."""
        self._count = total

    def started(self, name: str) -> None:
        """Show a task as running; one that is run again, as before."""
        if name in self._running:
            return
        if self._display is None:
            self._display = self._open()
        self._running[name] = self._add(self._display, name, expected=self._seconds.get(name))

    def move(self, what: str, done: int, total: int | None) -> None:
        """Show bytes of a running task, or of a part of one; a part that is complete is removed. From any thread."""
        display = self._display
        if display is None:
            return
        if (bar := self._running.get(what)) is not None:
            display.update(bar, completed=done, total=total, count=_bytes(done, total))
        elif done == total:
            if (bar := self._parts.pop(what, None)) is not None:
                display.remove_task(bar)
        else:
            if what not in self._parts:
                self._parts[what] = self._add(display, what)
            display.update(self._parts[what], completed=done, total=total, count=_bytes(done, total))

    def _add(self, display: Progress, name: str, expected: float | None = None) -> TaskID:
        return display.add_task(printable(name), total=None, count="", expected=expected)

    def _open(self) -> Progress:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            _Bar(bar_width=_BAR),
            TextColumn("{task.fields[count]}", justify="right", table_column=Column(no_wrap=True)),
            _Time(table_column=Column(no_wrap=True)),
        )
        display = Progress(
            *columns,
            console=Console(stderr=True, highlight=False, no_color=not has_colours(sys.stderr)),
            transient=True,
        )
        settings: dict[str, Any] = {"count": self._count_text, "expected": None}
        self._total = display.add_task("tasks", total=self._count, completed=self._ended, **settings)
        display.start()
        return display

    @property
    def _count_text(self) -> str:
        return f"{self._ended}/{self._count}"

    def ended(self, outcome: Outcome) -> None:
        """Remove a task from the running ones."""
        self._ended += 1
        if self._display is not None and self._total is not None:
            if (bar := self._running.pop(outcome.name, None)) is not None:
                self._display.remove_task(bar)
            self._display.update(self._total, completed=self._ended, count=self._count_text)
        super().ended(outcome)

    def end(self) -> None:
        """Remove the display."""
        if self._display is not None:
            self._display.stop()

    def say_in_group(self, line: str) -> None:
        """Print a line: a terminal folds nothing."""
        self.say(line)

    def say(self, line: str) -> None:
        """Print a line above the display."""
        if self._display is None:
            super().say(line)
        else:
            self._display.console.print(printable(line), markup=False)


def _bytes(done: int, total: int | None) -> str:
    return readable_bytes(done) if total is None else f"{readable_bytes(done)} of {readable_bytes(total)}"


class _Bar(BarColumn):
    """A bar of bytes where they are known, or else of the time that the task took the last time."""

    def render(self, task: Task) -> ProgressBar:
        bar = super().render(task)
        expected = task.fields["expected"]
        if task.total is None and expected:
            bar.total, bar.completed, bar.pulse = expected, min(task.elapsed or 0, expected), False
        return bar


class _Time(ProgressColumn):
    """The time that has passed, and about how much is left: by the bytes, or else by the last time."""

    def render(self, task: Task) -> Text:
        passed, left = task.elapsed or 0, time_left(task)
        return Text(_clock(passed) + (f", {_clock(left)} left" if left is not None else ""), style="progress.elapsed")


def time_left(task: Task) -> float | None:
    """Seconds that a task is going to take; None where that is not known, or where it takes longer than expected."""
    passed, expected = task.elapsed or 0, task.fields["expected"]
    if task.fields["count"].partition("/")[2].isdecimal():  # the bar of all tasks: they differ too much
        return None
    if task.total and task.completed and passed >= 2:
        return passed * (task.total - task.completed) / task.completed
    return expected - passed if expected and expected > passed else None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
