"""The display of a deploy's progress on standard error: a bar on a terminal, elsewhere a line every ten seconds."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from venvstacks.cli.printable import print_message
from venvstacks.deployment.phases import PhaseProgress

_EVERY = 10.0  # seconds between two lines
_REDRAW = 0.1  # seconds between two changes of the bar
_SLOW = 100_000  # bytes per second, below which kilobytes say more
_UNITS = {"compiling": "files", "checking": "layers"}

Report = Callable[[PhaseProgress], object]


@contextlib.contextmanager
def showing_progress(*, every: float = _EVERY) -> Iterator[Report]:
    """A function that takes what is to be shown, until the block ends."""
    with _bar() if sys.stderr.isatty() and find_spec("rich") else _lines(every) as report:
        yield report


def progress_text(progress: PhaseProgress, seconds: float) -> str:
    """What is done, how fast, and how long the rest will take: `21.0 of 62.6 MB, 4.2 MB/s, 10 s left`.

    Args:
        progress: How far the phase is.
        seconds: How long it has lasted.
    """
    unit = _UNITS.get(progress.phase)
    text = f"{progress.done} of {progress.total} {unit}"
    if unit is None:
        text = f"{progress.done / 1e6:.1f} of {progress.total / 1e6:.1f} MB"
    if not progress.done or seconds <= 0:
        return text
    if unit is None:
        rate = progress.done / seconds
        text += f", {rate / 1e6:.1f} MB/s" if rate >= _SLOW else f", {rate / 1e3:.0f} kB/s"
    left = (progress.total - progress.done) * seconds / progress.done
    return f"{text}, {_duration(left)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class _Phases:
    """The latest progress, and since when its phase lasts."""

    def __init__(self) -> None:
        self.latest: PhaseProgress | None = None
        self._began = 0.0

    def take(self, progress: PhaseProgress) -> bool:
        """Keep it; whether a phase begins with it."""
        is_new = self.latest is None or self.latest.phase != progress.phase
        self._began = time.monotonic() if is_new else self._began
        self.latest = progress
        return is_new

    def text(self) -> str:
        """The latest progress in words."""
        if self.latest is None:
            return ""
        return progress_text(self.latest, time.monotonic() - self._began)


@contextlib.contextmanager
def _lines(every: float) -> Iterator[Report]:
    phases, ended = _Phases(), threading.Event()

    def tick() -> None:
        while not ended.wait(every):
            now = phases.latest
            print_message(f"{now.phase}: {phases.text()}" if now else "waiting for the source")

    thread = threading.Thread(target=tick, name="progress", daemon=True)
    thread.start()
    try:
        yield phases.take
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def _bar() -> Iterator[Report]:
    from rich.console import Console  # noqa: PLC0415 - loaded for a display only
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    phases = _Phases()
    columns = TextColumn("{task.description:<10}"), BarColumn(), TextColumn("{task.fields[text]}")
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as display:
        bar = display.add_task("waiting", total=None, text="for the source")
        drawn = 0.0

        def show(progress: PhaseProgress) -> None:
            nonlocal drawn
            is_new, now = phases.take(progress), time.monotonic()
            if is_new or now - drawn >= _REDRAW or progress.done == progress.total:
                drawn = now
                display.update(
                    bar,
                    description=progress.phase,
                    completed=progress.done,
                    total=progress.total,
                    text=phases.text(),
                )

        yield show
