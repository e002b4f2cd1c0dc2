"""The display of a run on standard error: live on a terminal, plain lines where it is redirected."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.api import Report
from venvstacks.cli.error_boundary import report_defect, report_error
from venvstacks.cli.printable import print_message
from venvstacks.engine.outcomes import Listener, Outcome, Silence, Status
from venvstacks.errors import UsageError, VenvstacksError
from venvstacks.tools.files import write_atomically

if TYPE_CHECKING:
    from venvstacks.cli.ci_annotations import LogGroup
    from venvstacks.engine.outcomes import Progress


def make_listener(makers: Mapping[str, str], *, quiet: bool, verbose: bool) -> Listener:
    """The listener that fits standard error.

    Args:
        makers: Output path to the name of the task that makes it.
        quiet: Whether nothing is said.
        verbose: Whether to print reasons, and tasks that are up to date.
    """
    if quiet:
        return Silence()
    if not sys.stderr.isatty():
        return PlainLines(makers, verbose=verbose)
    from venvstacks.cli.live_display import LiveDisplay  # noqa: PLC0415 - for terminals alone

    return LiveDisplay(makers, verbose=verbose)


_UNDONE: tuple[Status, ...] = ("failed", "interrupted", "blocked", "not run")


class PlainLines:
    """One line for each task that ran."""

    def __init__(self, makers: Mapping[str, str], *, verbose: bool) -> None:
        self.makers = makers
        self.verbose = verbose
        self._warnings: set[str] = set()
        self.progress: Progress | None = None
        self._group: LogGroup | None = None

    def begin(self, total: int) -> None:
        """Print nothing until a task ends."""

    def started(self, name: str) -> None:
        """Print nothing: tasks are reported when they end."""

    def ended(self, outcome: Outcome) -> None:
        """Print how a task ended."""
        if line := describe(outcome, self.makers, verbose=self.verbose):
            if outcome.status in _UNDONE:
                self.say(line)
            else:
                self.say_in_group(line)
        for warning in (outcome.values or {}).get("warnings", ()):
            self.warn(warning)

    def warn(self, warning: str) -> None:
        """Print a warning, each once: building and publishing find the same faults of a Python."""
        if warning not in self._warnings:
            self.say(f"warning: {warning}")
        self._warnings.add(warning)

    def end(self) -> None:
        """End the group: `summarize` writes the summary."""
        self._close_group()

    def foresee(self, seconds: Mapping[str, float]) -> None:
        """Print nothing."""

    def waiting(self) -> None:
        """Say what the silence means."""
        self.say("another run is using the build folder; waiting for it to end")

    def say(self, line: str) -> None:
        """Print a line, outside of groups that CI systems fold."""
        self._close_group()
        print_message(line)

    def say_in_group(self, line: str) -> None:
        """Print a line about a task that did well."""
        if self._group is None:
            from venvstacks.cli.ci_annotations import LogGroup  # noqa: PLC0415 - runs with nothing to do print no line

            self._group = LogGroup("tasks")
        self._group.open()
        print_message(line)

    def _close_group(self) -> None:
        if self._group is not None:
            self._group.close()


def describe(outcome: Outcome, makers: Mapping[str, str], *, verbose: bool) -> str:
    """One line about a task; empty for what is not worth one."""
    name, reasons = outcome.name, "; ".join(reason.describe(makers) for reason in outcome.reasons)
    if outcome.status == "done" and "cached_bytes" in (outcome.values or {}):
        return f"   cached  {name}" + (f"  ({reasons})" if verbose and reasons else "")
    if outcome.status == "done":
        return f"{outcome.seconds:7.2f} s  {name}" + (f"  ({reasons})" if verbose and reasons else "")
    if outcome.status == "blocked":
        return f"  not run  {name}  (needs {', '.join(outcome.blocked_by)})"
    if outcome.status in {"failed", "interrupted"}:
        return f"{outcome.status:>9}  {name}"
    return f"{outcome.status:>9}  {name}" if verbose else ""


def summarize(report: Report, began: float) -> str:
    """How many tasks ended how, the time that it took, and the chain of tasks that took it.

    An unaffected task stayed up to date although a task before it ran: the result of that one was the same as before.
    """
    counts = Counter(outcome.status for outcome in report.outcomes)
    unaffected, cached = len(report.unaffected), report.cached_bytes
    numbers: dict[str, int] = {
        "done": counts["done"] - len(cached),
        "cached": len(cached),
        "unaffected": unaffected,
        "up to date": counts["up to date"] - unaffected,
        **{str(status): counts[status] for status in _UNDONE},
    }
    totals = ", ".join(f"{number} {what}" for what, number in numbers.items() if number)
    line = f"{totals or 'nothing to do'} in {time.perf_counter() - began:.2f} s"
    if cached:
        from venvstacks.insight.readable import readable_bytes  # noqa: PLC0415 - few runs fetch results

        line += f"\nfrom the remote cache: {readable_bytes(sum(cached.values()))}"
    line += longest_lines(report.outcomes)
    path = report.critical_path
    if len(path.tasks) > 1:
        line += f"\nlongest chain of tasks: {' > '.join(path.tasks)}, {path.seconds:.2f} s"
    return line


_DOING = {
    "wheel": "building the wheel of",
    "lock": "locking",
    "build": "building",
    "link": "linking",
    "check": "checking the imports of",
    "archive": "packing",
    "export": "exporting",
}
_LONGEST = 3  # tasks that are named


def longest_lines(outcomes: Sequence[Outcome]) -> str:
    """In plain words, the tasks that took longest; nothing where only one ran, or none took a second."""
    ran = sorted((one for one in outcomes if one.status == "done"), key=lambda one: -one.seconds)
    named = [one for one in ran[:_LONGEST] if one.seconds >= max(0.1, ran[0].seconds / 10)]
    if len(ran) < 2 or ran[0].seconds < 1:
        return ""
    return "\ntook longest: " + ", ".join(map(_in_words, named))


def _in_words(outcome: Outcome) -> str:
    kind, _, name = outcome.name.partition(":")
    return f"{_DOING.get(kind, kind)} {name} ({outcome.seconds:.1f} s)"


def write_trace(report: Report, place: Path) -> None:
    """Write what happened in a run as a file for Chrome's tracing page or Perfetto.

    Raises:
        UsageError: It cannot be written.
    """
    from venvstacks.records.event_log import read_events, trace_of  # noqa: PLC0415 - rarely asked for

    events = read_events(report.events) if report.events else ()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, json.dumps(trace_of(events, report.critical_path.tasks)) + "\n")
    except OSError as error:
        raise UsageError(f"the trace {place} cannot be written: {error}", hint="choose another --trace file") from error


def report_failures(outcomes: Sequence[Outcome]) -> None:
    """Show every failed task's error."""
    for outcome in outcomes:
        if outcome.status == "failed":
            print_message(f"\n{outcome.name}:")
            if isinstance(outcome.error, VenvstacksError):
                report_error(outcome.error)
            else:
                report_defect(outcome.error or RuntimeError("no reason was given"))
