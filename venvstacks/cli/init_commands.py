"""The commands for who begins: a stack to start from, and schemas for editors and programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from venvstacks.cli.error_boundary import relative
from venvstacks.cli.printable import print_message, print_result
from venvstacks.cli.verbosity import Verbosity
from venvstacks.errors import ExitCode, UsageError
from venvstacks.model.example import APPLICATION, IGNORED, SPECIFICATION, example_files

if TYPE_CHECKING:
    from venvstacks.insight.layer_proposal import Proposal


class Schema(StrEnum):
    """What has a schema."""

    SPECIFICATION = "specification"
    PLAN = "plan"
    MANIFEST = "manifest"
    FILE_MANIFEST = "file-manifest"
    PACKAGE_LIST = "package-list"
    RUN_REPORT = "run-report"
    TREE = "tree"
    DIFF = "diff"
    REPORT = "report"
    LICENSES = "licenses"
    AUDIT = "audit"


class Template(StrEnum):
    """What a new stack begins with."""

    APPLICATION = "application"
    SHARED = "shared"


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new stack.")] = Path(),
    *,
    template: Annotated[
        Template,
        typer.Option(
            "--template",
            metavar="NAME",
            help="application: one on a framework; shared: two that share a framework.",
        ),
    ] = Template.APPLICATION,
    projects: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="A project in DIR or below, to make an application of: its folder, or a file in it that describes it; "
            "repeatable. Proposes layers by size.",
        ),
    ] = None,
) -> int:
    """Write a small stack to begin with, or one for projects that exist already."""
    if projects:
        return _init_from(projects, folder, context.obj)
    files = example_files(sys.version_info[:3], is_shared=template is Template.SHARED)
    written = _write(folder, files)
    if not context.obj.quiet:
        _print_written(written)
        spec = relative(folder / SPECIFICATION)
        print_message(f"next: venvstacks build {spec}; venvstacks run {spec} {APPLICATION}")
    return ExitCode.DONE


def _init_from(projects: list[Path], folder: Path, verbosity: Verbosity) -> int:
    from venvstacks.api.deployment_options import DeployOptions  # noqa: PLC0415
    from venvstacks.api.existing_projects import Machine  # noqa: PLC0415
    from venvstacks.api.machine_platform import this_platform  # noqa: PLC0415 - only for projects
    from venvstacks.api.proposing import propose  # noqa: PLC0415
    from venvstacks.model.platforms import PythonImplementation  # noqa: PLC0415

    _refuse_existing([folder / SPECIFICATION])  # before anything is built
    python = PythonImplementation("cpython", ".".join(map(str, sys.version_info[:3])))
    found = propose(projects, folder, Machine(python, this_platform(), sys.executable, DeployOptions().environment))
    written = _write(folder, {SPECIFICATION: found.text, ".gitignore": IGNORED})
    if found.proposal and found.proposal.candidates and not verbosity.quiet:
        print_result("\n".join(proposal_lines(found.proposal)))
    if found.trouble:
        print_message(f"warning: {found.trouble}; everything is put into the applications")
    if not verbosity.quiet:
        _print_written(written)
        if unignored := _unignored(folder / ".gitignore"):
            print_message(f"add to .gitignore: {' '.join(unignored)}")
        print_message(f"next: look at `platforms` in it, then venvstacks lock {relative(folder / SPECIFICATION)}")
    return ExitCode.DONE


def _unignored(file: Path) -> list[str]:
    """Lines of ours that an ignore file which was there before lacks."""
    lines = file.read_text("utf-8", "replace").splitlines()
    return [line for line in IGNORED.splitlines() if line.strip("/") not in {one.strip("/ ") for one in lines}]


def _print_written(places: tuple[Path, ...]) -> None:
    print_message(f"written: {', '.join(map(relative, places))}")


def proposal_lines(proposal: Proposal) -> Iterator[str]:
    """The requirements with what each saves in a framework."""
    from venvstacks.cli.rows import table_lines  # noqa: PLC0415
    from venvstacks.insight.readable import readable_bytes  # noqa: PLC0415

    cells = [
        (
            one.name,
            "framework" if one.chosen else "application",
            str(one.packages),
            readable_bytes(one.size),
            readable_bytes(one.shared_size) if one.shared_size else "",
        )
        for one in proposal.candidates
    ]
    yield "with what each requirement brings, a framework saves:"
    heading = ("requirement", "proposed", "packages", "in each update", "in all applications")
    yield from table_lines(heading, cells, frozenset({2, 3, 4}))


def _write(folder: Path, files: Mapping[str, str]) -> tuple[Path, ...]:
    """Write new files into a folder, and return which.

    Raises:
        UsageError: There are such files, or they cannot be written.
    """
    ignored = folder / ".gitignore"
    wanted = {folder / name: text for name, text in files.items() if folder / name != ignored or not ignored.exists()}
    _refuse_existing(wanted)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place, text in wanted.items():
            with place.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(
            f"the stack cannot be written: {error}", hint="choose a folder that you may write to"
        ) from error
    return tuple(wanted)


def _refuse_existing(places: Iterable[Path]) -> None:
    if there := [relative(place) for place in places if place.exists()]:
        raise UsageError(f"{' and '.join(there)} would be overwritten", hint="name a new folder: venvstacks init DIR")


def schema(
    what: Annotated[
        Schema,
        typer.Argument(
            metavar="WHAT",
            help="specification, plan, manifest, file-manifest, package-list, run-report; or what a command prints "
            "with --json: tree, diff, report, licenses, audit.",
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
    from venvstacks.insight.data_schemas import printed_schemas  # noqa: PLC0415
    from venvstacks.records.schemas import published_schemas  # noqa: PLC0415

    printed = printed_schemas()
    return printed[what] if what in printed else published_schemas()[f"{what}.schema.json"]
