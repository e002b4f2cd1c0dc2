"""What GitHub Actions shows of a command: annotations of errors at their lines, and a summary of each run.

The forms are those of GitHub's workflow commands; other CI systems set none of these variables, and get nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.cli.printable import print_message
from venvstacks.errors import SpecificationError, VenvstacksError

if TYPE_CHECKING:
    from venvstacks.api import Report

_MOST_ANNOTATIONS = 10  # GitHub shows no more of one kind and step
_MOST_ROWS = 500
_MARKS = {"done": "made", "cached": "from the shared cache", "blocked": "not run"}


def annotate(error: VenvstacksError) -> None:
    """Annotate an error, where this is a step of GitHub Actions: a fault of a specification at its line."""
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


def _in_workspace(error: SpecificationError) -> str:
    place = error.folder / error.source if error.folder else Path(error.source)
    workspace = os.environ.get("GITHUB_WORKSPACE")
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
