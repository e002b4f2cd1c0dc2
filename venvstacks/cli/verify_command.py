"""The command that proves reproducibility."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from venvstacks import api
from venvstacks.api import Options, Selection
from venvstacks.cli import declared_options as o
from venvstacks.cli.option_groups import Archives, Chosen, Packages, Targets, given
from venvstacks.cli.printable import print_json, print_message, print_result
from venvstacks.cli.session import Session
from venvstacks.errors import ExitCode
from venvstacks.tools.files import home_expanded

if TYPE_CHECKING:
    from venvstacks.reproducing import Verified


def verify(
    context: typer.Context,
    spec: o.Spec,
    *,
    output_dir: o.ArtifactsDir = "_artifacts",
    targets: Targets,
    layers: Chosen,
    archives: Archives,
    packages: Packages,
    runtime_provider: o.RuntimeProvider = None,
    emulator: o.Emulator = None,
    work_dir: Annotated[
        str | None, typer.Option("--work-dir", metavar="DIR", help="Empty folder for the second build, which is kept.")
    ] = None,
    fresh_caches: Annotated[bool, typer.Option("--fresh-caches", help="Download everything again.")] = False,
    json: o.Json = False,
    jobs: o.Jobs = None,
) -> int:
    """Publish a second time, in another folder and under other conditions, and compare the archives."""
    providers = tuple(runtime_provider) if runtime_provider else None
    settings = Options(
        output_dir=output_dir,
        runtime_providers=providers,
        emulators=tuple(emulator or ()),
        jobs=jobs,
        **given(archives, packages),
    )
    session = Session.open(context.obj, spec, settings, targets)
    place = session.project.base / home_expanded(work_dir) if work_dir else None
    several = len(session.targets) > 1
    found = {
        name: api.verify(
            project, api.Verification(Selection(**given(layers)), _part(place, name if several else ""), fresh_caches)
        )
        for name, project in zip(session.targets or ("",), session.projects(), strict=True)
    }
    if json:
        data = [{"layers": [result.as_json() for result in results]} for results in found.values()]
        print_json({"platforms": dict(zip(found, data, strict=True))} if several else data[0])
    else:
        headed = ([*([f"{name}:"] if several else ()), *_lines(results)] for name, results in found.items())
        print_result("\n".join(line for lines in headed for line in lines))
    proven = all(result.is_proven for results in found.values() for result in results)
    if not proven and not session.verbosity.quiet:
        print_message("not every archive could be made again as it was published")
    return ExitCode.DONE if proven else ExitCode.PUBLISHING


def _part(place: Path | None, name: str) -> Path | None:
    """The folder of the second build for one platform of several."""
    return place / name if place and name else place


def _lines(results: Iterable[Verified]) -> Iterator[str]:
    for result in results:
        stated = f", provenance: {result.provenance}" if result.provenance else ""
        yield f"{result.layer}: {result.verdict}{stated}"
        if found := result.difference:
            yield f"  {found.kind} of {found.member}: {found.detail}" if found.member else f"  packing: {found.detail}"
        if result.verdict == "different" and not result.same_inputs:
            yield "  hint: it was made from other inputs (specification, lock, options, tools): publish it again"
        yield from (f"  provenance: {line}" for line in result.contradictions)
