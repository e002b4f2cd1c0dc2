"""What CI systems show of a command: annotations of errors at their lines, groups in logs, a summary of each run.

On GitHub Actions these are workflow commands, and a summary of the step. On GitLab, sections of the log; and a report
of code quality, if the variable `VENVSTACKS_CODE_QUALITY` names a file for it. Elsewhere nothing is added.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.cli.printable import print_message, printable
from venvstacks.digests import sha256_json
from venvstacks.errors import SpecificationError, VenvstacksError
from venvstacks.tools.files import write_atomically

if TYPE_CHECKING:
    from venvstacks.api import Report

_MOST_ANNOTATIONS = 10  # GitHub shows no more of one kind and step
_MOST_ROWS = 500
_MARKS = {"done": "made", "cached": "from the shared cache", "blocked": "not run"}


def annotate(error: VenvstacksError) -> None:
    """Annotate an error, where this is a step of GitHub Actions: a fault of a specification at its line."""
    if place := os.environ.get("VENVSTACKS_CODE_QUALITY"):
        _add_code_quality(Path(place), error)
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    lines = [*_annotations(error)] if isinstance(error, SpecificationError) else [_command(str(error))]
    for line in lines[:_MOST_ANNOTATIONS]:
        print_message(line)


def _annotations(error: SpecificationError) -> list[str]:
    found = []
    for fault in error.faults:
        properties = {"file": _in_workspace(error)} | ({"line": str(fault.line)} if fault.line else {})
        found.append(_command(fault.describe(error.source), **properties))
    return found


def _add_code_quality(place: Path, error: VenvstacksError) -> None:
    """Add an error to a report of code quality, which GitLab shows in merge requests."""
    file, found = "venvstacks.toml", [(str(error), 1)]
    if isinstance(error, SpecificationError):
        file = _in_workspace(error)
        found = [(fault.describe(error.source), fault.line or 1) for fault in error.faults]
    rows = [
        {
            "description": printable(text),
            "check_name": type(error).__name__,
            "fingerprint": sha256_json([file, text]),
            "severity": "blocker",
            "location": {"path": file, "lines": {"begin": line}},
        }
        for text, line in found
    ]
    try:
        before = json.loads(place.read_text("utf-8")) if place.is_file() and place.stat().st_size else []
        write_atomically(place, json.dumps([*before, *rows], indent=1) + "\n")
    except (OSError, ValueError, TypeError) as failure:
        print_message(f"warning: the report of code quality cannot be written: {failure}")


class LogGroup:
    """A part of a log that CI systems fold; nothing where the log is no CI system's."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._name = ""
        self._is_open = False
        on_github, on_gitlab = (os.environ.get(name) == "true" for name in ("GITHUB_ACTIONS", "GITLAB_CI"))
        self._form = "github" if on_github else "gitlab" if on_gitlab else ""

    def open(self) -> None:
        """Begin the group before the first line in it."""
        if not self._is_open and self._form:
            self._name = f"venvstacks_{time.time_ns()}"
            self._say(f"::group::{_escaped(self._title)}", f"start:{{}}:{self._name}[collapsed=true]", self._title)
        self._is_open = True

    def close(self) -> None:
        """End the group, if it has begun."""
        if self._is_open and self._form:
            self._say("::endgroup::", f"end:{{}}:{self._name}", "")
        self._is_open = False

    def _say(self, command: str, section: str, title: str) -> None:
        if self._form == "gitlab":  # control sequences of GitLab's own, which no name of a file is part of
            seconds = time.time_ns() // 10**9
            command = f"\x1b[0Ksection_{section.format(seconds)}\r\x1b[0K{printable(title)}"
        print(command, file=sys.stderr, flush=True)


def _in_workspace(error: SpecificationError) -> str:
    place = error.folder / error.source if error.folder else Path(error.source)
    workspace = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    return (Path(os.path.relpath(place, workspace)) if workspace and error.folder else place).as_posix()


def _command(message: str, **properties: str) -> str:
    said = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::error{' ' if said else ''}{said}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def add_step_summary(place: str, title: str, report: Report) -> None:
    """Add what a run did to the summary of a step of GitHub Actions; failing to is no failure of the run.

    Args:
        place: The file that GitHub names for it.
        title: The run in one line.
        report: The run.
    """
    ran = [outcome for outcome in report.outcomes if outcome.status != "up to date"]
    if not ran:
        return
    fetched = report.cached_bytes
    rows = [
        f"| `{outcome.name}` | {_MARKS.get(outcome.status, outcome.status)} | {outcome.seconds:.2f} | "
        f"{fetched.get(outcome.name, '')} |"
        for outcome in ran[:_MOST_ROWS]
    ]
    head = ["", f"**{title}**", "", "| task | result | seconds | bytes fetched |", "|---|---|---:|---:|"]
    try:
        with open(place, "a", encoding="utf-8") as summary:  # noqa: PTH123 - the name is GitHub's
            summary.write("\n".join([*head, *rows, ""]))
    except OSError as error:
        print_message(f"warning: the summary of this step cannot be written: {error}")
