"""The commands about deployments: what their options mean, and what they tell."""

from __future__ import annotations

import contextlib
import json as json_text
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from venvstacks import deployment
from venvstacks.actions.deployment.deploy import Deployed
from venvstacks.cli import options as o
from venvstacks.cli.session import Verbosity
from venvstacks.errors import ExitCode

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the deployment.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Fail if another process is changing the deployment.")]


def _settings(verbosity: Verbosity, *, no_wait: bool) -> deployment.Settings:
    def tell_waiting() -> None:
        if not verbosity.quiet and not no_wait:
            _tell("another process is changing this deployment; waiting for it to end")

    return deployment.Settings(on_wait=tell_waiting, wait=0 if no_wait else -1)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _showing_downloads(settings: deployment.Settings, verbosity: Verbosity) -> Iterator[deployment.Settings]:
    """On a terminal, a bar for every file that is on its way."""
    if verbosity.quiet or not sys.stderr.isatty():
        yield settings
        return
    from rich.console import Console  # noqa: PLC0415 - loaded for a display only
    from rich.progress import Progress, TaskID  # noqa: PLC0415

    bars: dict[str, TaskID] = {}
    with Progress(console=Console(stderr=True), transient=True) as display:

        def show(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                bars[what] = display.add_task(what, total=total)
            display.update(bars[what], completed=done, total=total)

        yield replace(settings, progress=show)


def deploy(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Folder or http(s) URL of published artifacts.")],
    *,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder to deploy to.")],
    applications: Annotated[
        list[str] | None,
        typer.Option(
            "--app",
            metavar="NAME",
            help="Application to install or update; repeatable. Default: those that are installed; all, if none is.",
        ),
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Look for damaged files first, and replace them.")] = False,
    synchronise: Annotated[
        bool, typer.Option("--sync", help="Wait until everything is on the disk before the switch.")
    ] = False,
    no_wait: NoWait = False,
    json: o.Json = False,
) -> int:
    """Put published applications on this machine, with the layers they need; all or nothing."""
    verbosity: Verbosity = context.obj
    began = time.perf_counter()
    with _showing_downloads(_settings(verbosity, no_wait=no_wait), verbosity) as settings:
        names = tuple(applications) if applications else None
        done = deployment.deploy(source, to, names, settings, repair=repair, synchronise=synchronise)
    if json:
        _print_json(_deployed_data(done))
    elif not verbosity.quiet:
        for line in deployed_lines(done, time.perf_counter() - began):
            _tell(line)
    return ExitCode.DONE


def deployed_lines(done: Deployed, seconds: float) -> Iterator[str]:
    """What a deploy did."""
    for title, names in (("fetched", done.fetched), ("relinked", done.rebound), ("kept", done.kept)):
        if names:
            yield f"{title}: {', '.join(names)}"
    for name in done.left_alone:
        yield f"warning: '{name}' is installed, but not offered: it stays as it is"
    if not done.changed:
        yield f"nothing to do: generation {done.generation.number} is current"
        return
    size = done.bytes_fetched / 1e6
    yield f"generation {done.generation.number}: {', '.join(done.generation.applications)}"
    yield f"{size:.1f} MB fetched, {len(done.removed)} old layers removed in {seconds:.2f} s"


def _deployed_data(done: Deployed) -> dict[str, Any]:
    return {**asdict(replace(done, generation=None)), "generation": done.generation.model_dump(mode="json")}  # type: ignore[arg-type]


def rollback(
    context: typer.Context,
    folder: Folder,
    *,
    generation: Annotated[
        int | None, typer.Option("--generation", metavar="N", help="A kept generation other than the previous one.")
    ] = None,
    no_wait: NoWait = False,
) -> int:
    """Go back to what was installed before the last change."""
    found = deployment.rollback(folder, generation, _settings(context.obj, no_wait=no_wait))
    if not context.obj.quiet:
        _tell(f"generation {found.number}: {', '.join(found.applications) or 'no application'}")
    return ExitCode.DONE


def status(
    context: typer.Context,
    folder: Folder,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Compare every file with the manifests.")] = False,
    json: o.Json = False,
) -> int:
    """Show what is installed, and why."""
    found = deployment.status(folder, verify=verify)
    if json:
        _print_json(_status_data(found))
    else:
        print("\n".join(status_lines(found)))
    if found.differences:
        if not context.obj.quiet:
            _tell("hint: deploy again with --repair")
        return ExitCode.PUBLISHING
    return ExitCode.DONE


def status_lines(found: deployment.Status) -> Iterator[str]:
    """The state of a deployment as text."""
    generation = found.generation
    others = [number for number in found.kept if number != generation.number]
    yield f"{found.root}: generation {generation.number} of {generation.created}, from {generation.source}"
    width = max((len(one.target) for one in generation.instances), default=0)
    for one in reversed(generation.instances):
        why = "installed" if one.kind == "application" else f"for {', '.join(generation.needed_by[one.id])}"
        yield f"  {one.target:<{width}}  {one.size / 1e6:8.1f} MB  {one.id}  {why}"
    yield f"other generations that are kept: {', '.join(map(str, others)) or 'none'}"
    if found.differences is not None:
        yield from map(str, found.differences)
        count = len(found.differences)
        yield f"{count} differences" if count else "every file is as it was published"


def _status_data(found: deployment.Status) -> dict[str, Any]:
    data: dict[str, Any] = {
        "root": str(found.root),
        "generation": found.generation.model_dump(mode="json"),
        "kept": list(found.kept),
    }
    if found.differences is not None:
        data["differences"] = [asdict(one) for one in found.differences]
    return data


def remove(
    context: typer.Context,
    folder: Folder,
    *,
    applications: Annotated[list[str], typer.Option("--app", metavar="NAME", help="Application; repeatable.")],
    no_wait: NoWait = False,
) -> int:
    """Uninstall applications, and the layers that nothing needs any more."""
    generation, removed = deployment.remove(folder, applications, _settings(context.obj, no_wait=no_wait))
    if not context.obj.quiet:
        _tell(f"generation {generation.number}: {', '.join(generation.applications) or 'no application'}")
        _tell(f"{len(removed)} old layers removed; the previous generation is kept for rollback")
    return ExitCode.DONE


def collect(context: typer.Context, folder: Folder, *, no_wait: NoWait = False) -> int:
    """Remove what neither the current nor the previous generation needs."""
    removed = deployment.collect(folder, _settings(context.obj, no_wait=no_wait))
    if not context.obj.quiet:
        _tell(f"{len(removed)} old layers removed")
    return ExitCode.DONE


def execute(
    folder: Folder,
    application: Annotated[str, typer.Argument(metavar="APP", help="Installed application to start.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- ARGS]", help="Its arguments.")] = None,
) -> int:
    """Start an installed application."""
    deployment.execute(folder, application, tuple(arguments or ()))


def _print_json(value: object) -> None:
    print(json_text.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (deploy, rollback, status, remove, collect):
        app.command(rich_help_panel="Deployments")(command)
    app.command("exec", rich_help_panel="Deployments", context_settings={"ignore_unknown_options": True})(execute)
