"""The commands for who begins: a stack to start from, and schemas for editors and programs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from venvstacks.cli.error_boundary import relative
from venvstacks.cli.printable import print_message
from venvstacks.errors import ExitCode, UsageError
from venvstacks.model.example import APPLICATION, SPECIFICATION, example_files


class Schema(StrEnum):
    """What has a schema."""

    SPECIFICATION = "specification"
    PLAN = "plan"
    MANIFEST = "manifest"
    FILE_MANIFEST = "file-manifest"
    PACKAGE_LIST = "package-list"
    RUN_REPORT = "run-report"


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new stack.")] = Path(),
) -> int:
    """Write a small stack to begin with."""
    files = example_files(sys.version_info[:3])
    ignored = folder / ".gitignore"
    wanted = {folder / name: text for name, text in files.items() if folder / name != ignored or not ignored.exists()}
    if there := [relative(place) for place in wanted if place.exists()]:
        raise UsageError(f"{' and '.join(there)} would be overwritten", hint="name a new folder: venvstacks init DIR")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place, text in wanted.items():
            with place.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(
            f"the stack cannot be written: {error}", hint="choose a folder that you may write to"
        ) from error
    if not context.obj.quiet:
        spec = relative(folder / SPECIFICATION)
        print_message(f"written: {', '.join(relative(place) for place in wanted)}")
        print_message(f"next: venvstacks build {spec}; venvstacks run {spec} {APPLICATION}")
    return ExitCode.DONE


def schema(
    what: Annotated[
        Schema,
        typer.Argument(
            metavar="WHAT", help="specification, plan, manifest, file-manifest, package-list or run-report."
        ),
    ] = Schema.SPECIFICATION,
) -> int:
    """Print the JSON schema of the specification, or of data that this program writes."""
    print(_schema_text(what), end="")
    return ExitCode.DONE


def _schema_text(what: Schema) -> str:
    if what is Schema.SPECIFICATION:
        from venvstacks.model.schema import schema_text  # noqa: PLC0415 - only one of them is asked for

        return schema_text()
    if what is Schema.PLAN:
        from venvstacks.planning.forecast import plan_schema_text  # noqa: PLC0415

        return plan_schema_text()
    if what is Schema.RUN_REPORT:
        from venvstacks.cli.run_report import report_schema_text  # noqa: PLC0415

        return report_schema_text()
    from venvstacks.records.schemas import published_schemas  # noqa: PLC0415

    return published_schemas()[f"{what}.schema.json"]
