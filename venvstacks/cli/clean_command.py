"""The command `clean`: remove what renamed and removed layers have left in a project's folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from venvstacks.api import Options
from venvstacks.cli import declared_options as o
from venvstacks.cli.error_boundary import relative
from venvstacks.cli.printable import print_json, print_message, print_result
from venvstacks.cli.session import Session
from venvstacks.errors import ExitCode

if TYPE_CHECKING:
    from venvstacks.actions.removed_layers import Leftover


def clean(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ArtifactsDir = "_artifacts",
    export_dir: o.AnyExportDir = "_export",
    dry_run: o.DryRun = False,
    json: o.Json = False,
) -> int:
    """Remove what layers that were renamed or removed have left: environments, locks, archives, exports."""
    from venvstacks.api.cleaning import clean as clean_project  # noqa: PLC0415 - not for the help

    settings = Options(build_dir=build_dir, output_dir=output_dir, export_dir=export_dir)
    session = Session.open(context.obj, spec, settings)
    done = clean_project(session.project, dry_run=dry_run or json, listener=session.listener())
    if json:
        print_json({"leftovers": [_row(one) for one in (*done.removed, *done.kept)]})
        return ExitCode.DONE
    said = "would remove" if dry_run else "removed"
    for one in done.removed:
        print_result(f"{said}  {relative(one.place)}")
    for one in done.kept:
        print_message(f"kept  {relative(one.place)}: {one.refused}")
    if not (done.removed or done.kept) and not context.obj.quiet:
        print_message("former layers have left nothing")
    return ExitCode.DONE


def _row(leftover: Leftover) -> dict[str, str | None]:
    return {"layer": leftover.layer, "path": relative(leftover.place), "kept_because": leftover.refused or None}
