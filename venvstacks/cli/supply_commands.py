"""The commands about what a product is made of: licences, bills of materials, advisories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from venvstacks.cli import declared_options as o
from venvstacks.cli.look_commands import Looked, Looking, make_reading, print_notes
from venvstacks.cli.printable import print_json, print_message, print_result
from venvstacks.cli.rows import table_lines
from venvstacks.errors import ExitCode, UsageError
from venvstacks.tools.files import home_expanded

if TYPE_CHECKING:
    from venvstacks.insight.advisories import Finding
    from venvstacks.insight.contents import LayerContents, StackContents

Application = Annotated[
    str | None, typer.Option("--app", metavar="NAME", help="An application, with everything below it.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it. [default: standard output]")
]


def _chosen(stack: StackContents, application: str | None, include: list[str] | None) -> tuple[LayerContents, ...]:
    if application and include:
        raise UsageError("--app and --include exclude each other", hint="give one of them")
    return stack.application_layers(application) if application else stack.chosen(include or ())


def write_text(text: str, place: Path, option: str) -> None:
    """Write what a command was asked for into a file.

    Raises:
        UsageError: It cannot be written.
    """
    from venvstacks.tools.files import write_atomically  # noqa: PLC0415

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, text)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error}", hint=f"choose another {option} file") from error


def licenses(
    context: typer.Context,
    spec: Looked,
    *,
    application: Application = None,
    include: o.Include = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="LICENCE", help="Accept only these, e.g. MIT or 'BSD-*'; repeatable."),
    ] = None,
    deny: Annotated[
        list[str] | None, typer.Option("--deny", metavar="LICENCE", help="Do not accept these; repeatable.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option("--texts", metavar="FILE", help="Write all licence texts into one file.")
    ] = None,
    looking: Looking,
    json: o.Json = False,
) -> int:
    """Show the licences of all packages; with --allow or --deny, exit with 12 if one is not accepted."""
    from venvstacks.insight.licence_rules import LicenceRules  # noqa: PLC0415
    from venvstacks.insight.licences import UNKNOWN, licence_rows  # noqa: PLC0415
    from venvstacks.insight.reading.licence_texts import licence_texts  # noqa: PLC0415
    from venvstacks.insight.reading.named_contents import read_contents  # noqa: PLC0415

    reading = make_reading(looking)
    stack = read_contents(spec, reading)
    layers = _chosen(stack, application, include)
    rows = licence_rows(stack, layers)
    refused = list(LicenceRules(tuple(allow or ()), tuple(deny or ())).refused(rows))
    if texts:
        write_text(licence_texts(spec, layers, reading), texts, "--texts")
    if json:
        print_json([row.as_json() | {"accepted": row not in refused} for row in rows])
    else:
        cells = [(row.package.name, row.package.version, row.licence.name, row.layer.name) for row in rows]
        print_result("\n".join(table_lines(("package", "version", "licence", "layer"), cells)))
        print_notes(stack, context.obj)
    for line in dict.fromkeys(f"not accepted: {row.package} ({row.licence.name})" for row in refused):
        print_message(line)
    if deny and (unknown := sum(row.licence.name == UNKNOWN and row not in refused for row in rows)):
        print_message(f"note: packages without a known licence: {unknown}; `--deny {UNKNOWN}` refuses them, too")
    return ExitCode.FOUND if refused else ExitCode.DONE


def sbom(
    context: typer.Context,
    spec: Looked,
    *,
    application: Application = None,
    include: o.Include = None,
    output: Output = None,
    looking: Looking,
) -> int:
    """Write a bill of materials (CycloneDX 1.6): of everything, an application with all below it, or layers."""
    from venvstacks.api.describing import require_bills  # noqa: PLC0415
    from venvstacks.insight.reading.named_contents import read_contents  # noqa: PLC0415

    require_bills()
    from venvstacks.insight.bill_of_materials import BillOfMaterials  # noqa: PLC0415

    stack = read_contents(spec, make_reading(looking))
    layers = _chosen(stack, application, include)
    name = layers[0].name if application or len(layers) == 1 else Path(stack.label).name or stack.label
    text = BillOfMaterials(stack, name, layers).text()
    if output:
        write_text(text, output, "--output")
    else:
        print_result(text.removesuffix("\n"))
    print_notes(stack, context.obj)
    return ExitCode.DONE


def audit(
    context: typer.Context,
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC|PUBLICATION|DEPLOYMENT",
            help="Specification, publication, or folder of a deployment. "
            "[default: venvstacks.toml here or in a folder above]",
        ),
    ],
    *,
    osv: Annotated[
        str,
        typer.Option(
            "--osv", metavar="PLACE", help="Advisories in the OSV format: file, folder or zip archive, or URL of one."
        ),
    ],
    application: Application = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="ID", help="Leave out this advisory; repeatable.")
    ] = None,
    by_name: Annotated[
        bool, typer.Option("--by-name", help="Compare own packages and local wheels too, by their names.")
    ] = False,
    looking: Looking,
    json: o.Json = False,
) -> int:
    """Compare packages with a database of advisories; exit with 12 if one is about a package. Nothing is sent."""
    from venvstacks.insight.advisories import is_on_index, match_advisories  # noqa: PLC0415
    from venvstacks.insight.reading.advisory_files import read_advisories  # noqa: PLC0415
    from venvstacks.insight.reading.deployment_contents import is_deployment, read_deployment  # noqa: PLC0415
    from venvstacks.insight.reading.named_contents import read_contents  # noqa: PLC0415

    reading = make_reading(looking)
    stack = read_deployment(home_expanded(spec)) if is_deployment(spec) else read_contents(spec, reading)
    layers = stack.application_layers(application) if application else stack.layers
    advisories = read_advisories(osv, reading.environment)
    found = match_advisories(stack.of(layers), advisories, ignore or (), by_name=by_name)
    packages = [package for layer in layers for package in layer.packages]
    own = [] if by_name else [package.name for package in packages if not is_on_index(package)]
    if json:
        print_json({"packages": len(packages), "not_compared": own, "findings": [one.as_json() for one in found]})
        return ExitCode.FOUND if found else ExitCode.DONE
    if found:
        print_result("\n".join(_finding_lines(found)))
    if not context.obj.quiet:
        print_message(f"{len(packages) - len(own)} packages compared, {len(found)} found")
        if own:
            named = ", ".join(dict.fromkeys(own))
            print_message(f"note: not from an index, so not compared (--by-name compares them): {named}")
    return ExitCode.FOUND if found else ExitCode.DONE


def _finding_lines(found: Iterable[Finding]) -> Iterator[str]:
    """Advisories as a table."""
    cells = [
        (
            one.package.name,
            one.package.version,
            one.layer.name,
            ", ".join(one.advisory.identifiers),
            ", ".join(one.fixed),
            one.advisory.summary,
        )
        for one in found
    ]
    return table_lines(("package", "version", "layer", "advisory", "fixed in", "about"), cells)
