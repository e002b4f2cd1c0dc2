"""The command `doctor`: what would make runs fail on this machine, and what to do about it."""

from __future__ import annotations

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
        print_result("\n".join(finding_lines(found, quiet=context.obj.quiet)))
    return ExitCode.MIXED if any(one.level == "problem" for one in found) else ExitCode.DONE


def finding_lines(found: Iterable[Finding], *, quiet: bool = False) -> Iterator[str]:
    """A line for each finding, with what to do below it; of those in order only the number where `quiet`."""
    listed = [one for one in found if not quiet or one.level != "ok"]
    width = max((len(one.subject) for one in listed), default=0)
    for one in listed:
        yield f"{_SIGNS[one.level]:<7}  {one.subject:<{width}}  {one.message}"
        if one.hint:
            yield f"{'':<7}  {'':<{width}}  hint: {one.hint}"
