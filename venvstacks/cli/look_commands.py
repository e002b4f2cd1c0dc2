"""The commands that look into stacks: what layers hold, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from venvstacks.api import Options
from venvstacks.cli import declared_options as o
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


def make_reading(platform: str | None, options: Options, here: Path | None = None) -> Reading:
    """How contents are read for a command.

    Raises:
        UsageError: There is no such platform.
    """
    from venvstacks.api.deployments import DeployOptions, this_platform  # noqa: PLC0415 - not every command reads
    from venvstacks.insight.reading.named_contents import Reading  # noqa: PLC0415
    from venvstacks.model.platforms import PLATFORMS  # noqa: PLC0415
    from venvstacks.suggestions import suggestion  # noqa: PLC0415

    if platform is not None and platform not in PLATFORMS:
        hint = suggestion(platform, PLATFORMS, otherwise=f"known are {', '.join(PLATFORMS)}")
        raise UsageError(f"there is no platform '{platform}'", hint=hint)
    meant = PLATFORMS[platform] if platform else this_platform()
    return Reading(meant, DeployOptions().environment, here or Path(), options)


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
    build_dir: o.BuildDir = "_build",
    output_dir: o.ArtifactsDir = "_artifacts",
    platform: Platform = None,
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
    stack = read_contents(spec, make_reading(platform, Options(build_dir=build_dir, output_dir=output_dir)))
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
