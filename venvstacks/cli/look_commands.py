"""The commands that look into stacks: what layers hold, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from venvstacks.api import Options
from venvstacks.cli import declared_options as o
from venvstacks.cli.error_boundary import relative
from venvstacks.cli.printable import print_json, print_message, print_result
from venvstacks.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from venvstacks.cli.verbosity import Verbosity
    from venvstacks.insight.contents import StackContents
    from venvstacks.insight.reading.named_contents import Reading

Looked = Annotated[
    str,
    typer.Argument(
        metavar="SPEC|PUBLICATION",
        help="Specification, or folder or http(s) URL of published artifacts. "
        "[default: venvstacks.toml here or in a folder above]",
    ),
]
Platform = Annotated[
    str | None,
    typer.Option("--platform", metavar="NAME", help="Target platform, where several are published or locked."),
]


@dataclass(kw_only=True, eq=False, repr=False)
class Looking:
    """Options of all commands that look into stacks: where the parts of a stack are, and for which platform."""

    build_dir: o.BuildDir = "_build"
    output_dir: o.ArtifactsDir = "_artifacts"
    platform: Platform = None


def make_reading(looking: Looking, here: Path | None = None) -> Reading:
    """How contents are read for a command.

    Raises:
        UsageError: There is no such platform.
    """
    from venvstacks.api.deployment_options import DeployOptions  # noqa: PLC0415
    from venvstacks.api.machine_platform import chosen_platform  # noqa: PLC0415 - not every command reads
    from venvstacks.insight.reading.named_contents import Reading  # noqa: PLC0415

    options = Options(build_dir=looking.build_dir, output_dir=looking.output_dir)
    return Reading(chosen_platform(looking.platform), DeployOptions().environment, here or Path(), options)


def print_notes(stack: StackContents, verbosity: Verbosity) -> None:
    """Say what could not be found out."""
    if not verbosity.quiet:
        for note in stack.notes:
            print_message(f"note: {note}")


def tree(
    context: typer.Context,
    spec: Looked,
    *,
    invert: Annotated[
        str | None,
        typer.Option("--invert", "-i", metavar="PACKAGE", help="Who needs a package, and which versions of it."),
    ] = None,
    duplicates: Annotated[bool, typer.Option("--duplicates", help="Packages that several layers hold.")] = False,
    depth: Annotated[int | None, typer.Option("--depth", metavar="N", min=1, help="Levels that are shown.")] = None,
    include: o.Include = None,
    looking: Looking,
    json: o.Json = False,
) -> int:
    """Show which packages need which, layer by layer, with their sizes."""
    from venvstacks.cli.rows import row_lines  # noqa: PLC0415
    from venvstacks.insight.dependency_tree import (  # noqa: PLC0415
        dependency_rows,
        inverted_rows,
        repeated_rows,
        tree_data,
    )
    from venvstacks.insight.reading.named_contents import read_contents  # noqa: PLC0415

    if invert and duplicates:
        raise UsageError("--invert and --duplicates exclude each other", hint="give one of them")
    stack = read_contents(spec, make_reading(looking))
    layers = stack.chosen(include or ())
    if json:
        print_json(tree_data(stack, layers))
        return ExitCode.DONE
    if invert:
        rows = list(inverted_rows(stack, invert))
    else:
        rows = list(repeated_rows(stack) if duplicates else dependency_rows(stack, layers, depth))
    print_result("\n".join(row_lines(rows)) if rows else "no package is in several layers")
    print_notes(stack, context.obj)
    return ExitCode.DONE


class DiffFormat(StrEnum):
    """How a comparison is shown."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def diff(
    context: typer.Context,
    before: Annotated[
        str,
        typer.Argument(
            metavar="BEFORE", help="Publication (folder or URL), specification, folder of locks, or revision in git."
        ),
    ],
    after: Annotated[
        str | None,
        typer.Argument(metavar="AFTER", help="The same. [default: the specification here or in a folder above]"),
    ] = None,
    *,
    looking: Looking,
    form: Annotated[
        DiffFormat, typer.Option("--format", metavar="FORM", help="text, json or markdown.")
    ] = DiffFormat.TEXT,
    json: o.Json = False,
) -> int:
    """Say what differs between two stacks: packages, sizes, files, and what users fetch."""
    from venvstacks.cli.default_specification import NAME, find_specification  # noqa: PLC0415
    from venvstacks.cli.diff_output import comparison_lines, markdown_lines  # noqa: PLC0415
    from venvstacks.insight.comparison import compare_stacks  # noqa: PLC0415
    from venvstacks.insight.reading.named_contents import holds_locks_alone, read_side  # noqa: PLC0415

    sides = (before, after or find_specification())
    here = next((Path(side).parent for side in sides if Path(side).name == NAME), Path())
    reading = make_reading(looking, here)
    locks = any(holds_locks_alone(side) for side in sides)
    found = compare_stacks(*(read_side(side, reading, prefer_locks=locks) for side in sides))
    if json or form is DiffFormat.JSON:
        print_json(found.as_json())
        return ExitCode.DONE
    lines = markdown_lines(found) if form is DiffFormat.MARKDOWN else comparison_lines(found)
    print_result("\n".join(lines))
    for stack in (found.before, found.after):
        print_notes(stack, context.obj)
    return ExitCode.DONE


def report(
    context: typer.Context,
    spec: Looked,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write the page. [default: report.html]"),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="EARLIER", help="Earlier publication or specification to compare with."),
    ] = None,
    looking: Looking,
    json: o.Json = False,
) -> int:
    """Write a page about a stack: layers, sizes, what lies in several layers, downloads, licences, the last run."""
    from venvstacks.insight.reading.whole_reports import read_report, write_page  # noqa: PLC0415

    reading = make_reading(looking)
    found = read_report(spec, against, reading)
    if json:
        print_json(found.as_json())
        return ExitCode.DONE
    place = output or Path("report.html")
    write_page(found, place)
    print_notes(found.stack, context.obj)
    if not context.obj.quiet:
        print_message(f"written: {relative(place.absolute())}")
    return ExitCode.DONE
