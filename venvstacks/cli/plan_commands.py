"""The commands `plan`, `why` and `cache-key`: what would run and why, what ran and why, what to cache."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated

import typer

from venvstacks.api import Options, Request
from venvstacks.cli import declared_options as o
from venvstacks.cli.error_boundary import relative
from venvstacks.cli.option_groups import Archives, Environments, Layers, Packages, Sharing, Targets, given
from venvstacks.cli.printable import print_json, print_result
from venvstacks.cli.session import Session
from venvstacks.errors import ExitCode, UsageError
from venvstacks.planning.history import LastRun, last_run


class Format(StrEnum):
    """How a plan is shown."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"
    GITHUB_MATRIX = "github-matrix"
    GITLAB = "gitlab"


FormOption = Annotated[
    Format,
    typer.Option(
        "--format",
        metavar="FORM",
        help="text, json, dot, mermaid; github-matrix or gitlab: CI jobs, by default for all platforms.",
    ),
]


def _flag(name: str, help_text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(f"--{name}/--no-{name}", help=help_text)
    return option


def plan(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ArtifactsDir = "_artifacts",
    export_dir: o.AnyExportDir = "_export",
    lock: Annotated[bool, _flag("lock", "Plan to lock.")] = True,
    build: Annotated[bool, _flag("build", "Plan to build.")] = True,
    publish: Annotated[bool, _flag("publish", "Plan to publish.")] = True,
    export: Annotated[bool, _flag("export", "Plan to export.")] = False,
    clean: o.Clean = False,
    force: o.Force = False,
    targets: Targets,
    layers: Layers,
    packages: Packages,
    archives: Archives,
    environments: Environments,
    sharing: Sharing,
    locked: o.Locked = False,
    check_environments: o.CheckEnvironments = False,
    jobs: o.Jobs = None,
    json: o.Json = False,
    form: FormOption = Format.TEXT,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 10 if there is work to do.")] = False,
) -> int:
    """Say what locking, building and publishing would do now, and why; do nothing."""
    options = given(packages, archives, environments, sharing)
    if form in {Format.GITHUB_MATRIX, Format.GITLAB}:  # a job for each platform; what they publish is joined
        targets = targets if targets.platforms else Targets(platforms=["all"])
        options["tag_outputs"] = True
    settings = Options(build_dir=build_dir, output_dir=output_dir, export_dir=export_dir, jobs=jobs, **options)
    session = Session.open(context.obj, spec, settings, targets)
    operations = session.operations(lock=lock, build=build, publish=publish, export=export)
    if not operations:
        raise UsageError("nothing is to be done", hint="leave out one of the --no-... options")
    request = Request(
        operations,
        session.selection(layers),
        lock_policy="if-needed" if lock else "require-valid",
        clean=clean,
        force=force,
        check_environments=check_environments,
        locked=locked,
    )
    return session.plan(request, form=Format.JSON if json else form, exit_code=exit_code)


def why(
    context: typer.Context,
    spec: o.Spec,
    *,
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task, e.g. build:app-hello.")],
    build_dir: o.BuildDir = "_build",
    platform: o.OnePlatform = None,
    json: o.Json = False,
) -> int:
    """Say why a task last ran, how long it took, what it printed, and how to repeat it by hand."""
    session = Session.open(context.obj, spec, Options(build_dir=build_dir, platform=platform))
    found = last_run(session.project, task)
    if json:
        print_json(found.as_json() if found else None)
    else:
        print_result(
            "\n".join(_last_run_lines(found, session.project.graph.makers, whole=context.obj.verbose))
            if found
            else f"{task} did not run in any of the runs of which there are logs"
        )
    return ExitCode.DONE


_LONGEST = 160  # characters of a line; commands with all of their variables have a thousand


def _last_run_lines(run: LastRun, makers: Mapping[str, str], *, whole: bool = False) -> Iterator[str]:
    took = "" if run.seconds is None else f" after {run.seconds:.2f} s"
    began = f"{run.time[:19].replace('T', ' ')} UTC"
    source = " (its result came from the remote cache)" if run.status == "cached" else ""
    yield f"{run.task}: {run.status}{took}{source}, in a run with {run.door} that began at {began}"
    if run.error:
        yield f"error: {run.error}"
    yield "because of:"
    yield from (f"  {reason.describe(makers)}" for reason in run.reasons)
    if run.commands:
        yield "child processes (staging folders that they name are gone once a task has ended):"
        lines = run.commands if whole else tuple(_cut(_without_variables(line)) for line in run.commands)
        yield from (f"  {line}" for line in lines)
        if lines != run.commands:
            yield "  (`venvstacks -v why` and --json show them whole, as lines for a shell)"
    if run.log_end:
        yield f"end of {relative(run.log)}:"
        yield from (f"  {line if whole else _cut(line)}" for line in run.log_end)
    yield f"events: {relative(run.events)}"


def _cut(text: str) -> str:
    """A text, cut to the length of a line."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _without_variables(command: str) -> str:
    """A command without its environment variables."""
    words = shlex.split(command)
    begin = words.index("-i") + 1 if "-i" in words[:6] else 0
    while begin < len(words) and "=" in words[begin]:
        begin += 1
    return shlex.join(words[begin:])


def cache_key(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ArtifactsDir = "_artifacts",
    targets: Targets,
    restore: Annotated[bool, typer.Option("--restore", help="Print the prefix of earlier keys instead.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Print what to store instead, a path on each line.")] = False,
    json: o.Json = False,
) -> int:
    """Print the key under which a CI system should store the task state of this stack."""
    from venvstacks.planning.cache_key import cache_key as key_of  # noqa: PLC0415 - rarely asked for

    session = Session.open(context.obj, spec, Options(build_dir=build_dir, output_dir=output_dir), targets)
    found = [key_of(project) for project in session.projects()]
    if json:
        data = [key.as_json() for key in found]
        print_json({"platforms": dict(zip(session.targets, data, strict=True))} if session.targets[1:] else data[0])
    elif paths:
        print_result("\n".join(dict.fromkeys(path for key in found for path in key.paths)))
    else:
        print_result("\n".join(key.restore if restore else key.key for key in found))
    return ExitCode.DONE
