"""The command `doctor`: what would make runs fail on this machine, and what to do about it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from venvstacks.api import Options
from venvstacks.cli import declared_options as o
from venvstacks.cli.printable import print_json, print_result
from venvstacks.cli.session import Session
from venvstacks.errors import ExitCode

if TYPE_CHECKING:
    from venvstacks.api.diagnosis import Finding

_NARROWEST = 30  # columns of a text
_SIGNS = {"ok": "ok", "warning": "warning", "problem": "PROBLEM"}


def doctor(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ArtifactsDir = "_artifacts",
    json: o.Json = False,
) -> int:
    """Look for what would make runs fail: Python, uv, runtimes, folders, disk, locks, state. Nothing is changed."""
    from venvstacks.api.diagnosis import diagnose  # noqa: PLC0415 - no run needs it

    session = Session.open(context.obj, spec, Options(build_dir=build_dir, output_dir=output_dir))
    found = diagnose(session.project)
    if json:
        print_json([one.as_json() for one in found])
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print_result("\n".join(finding_lines(found, quiet=context.obj.quiet, columns=columns)))
    return ExitCode.MIXED if any(one.level == "problem" for one in found) else ExitCode.DONE


def finding_lines(found: Iterable[Finding], *, quiet: bool = False, columns: int | None = None) -> Iterator[str]:
    """A line for each finding, with what to do below it.

    Args:
        found: The findings.
        quiet: Whether those that are in order are left out.
        columns: Width of the terminal, at which texts are wrapped; None for no wrapping.
    """
    listed = [one for one in found if not quiet or one.level != "ok"]
    width = max((len(one.subject) for one in listed), default=0)
    for one in listed:
        before = f"{_SIGNS[one.level]:<7}  {one.subject:<{width}}  "
        yield from _wrapped(before, one.message, columns)
        if one.hint:
            yield from _wrapped(" " * len(before), f"hint: {one.hint}", columns)


def _wrapped(before: str, text: str, columns: int | None) -> Iterator[str]:
    """A text after `before`, continued below its beginning."""
    room = None if columns is None else max(_NARROWEST, columns - len(before))
    lines = [text] if room is None else textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield f"{before if number == 0 else ' ' * len(before)}{line}"
