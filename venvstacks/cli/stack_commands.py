"""The commands that build, publish, export and run what a stack declares, or show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from venvstacks.api import Options, Request
from venvstacks.cli import declared_options as o
from venvstacks.cli.option_groups import (
    Archives,
    Chosen,
    Delivering,
    Describing,
    Distributing,
    Environments,
    Layers,
    Packages,
    PublishedLayers,
    Running,
    Showing,
    Targets,
    given,
)
from venvstacks.cli.session import Session, reported
from venvstacks.errors import UsageError
from venvstacks.graph.selection import Operation

SignWith = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEYS", help="Sign the publication with the keys in this folder; see `keys`."),
]


def show(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    targets: Targets,
    layers: Chosen,
    json: o.Json = False,
) -> int:
    """Show the layers of a stack with those below them, and which locks are not valid (*)."""
    session = Session.open(context.obj, spec, Options(build_dir=build_dir), targets)
    return session.show(session.selection(layers), json=json)


@reported
def build(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ArtifactsDir = "_artifacts",
    clean: o.Clean = False,
    lock_if_needed: Annotated[
        bool,
        typer.Option(
            "--lock-if-needed/--no-lock-if-needed", "--lock/--no-lock", help="Renew locks that are not valid."
        ),
    ] = False,
    build: Annotated[bool, typer.Option("--build/--no-build", help="Build and link environments.")] = True,
    publish: Annotated[bool, typer.Option("--publish/--no-publish", help="Publish archives too.")] = False,
    targets: Targets,
    layers: Layers,
    packages: Packages,
    archives: Archives,
    environments: Environments,
    locked: o.Locked = False,
    strict_layers: o.StrictLayers = False,
    check_environments: o.CheckEnvironments = False,
    distributing: Distributing,
    showing: Showing,
    running: Running,
) -> int:
    """Build (and lock, and publish) the environments of all layers."""
    if locked and lock_if_needed:
        raise UsageError("--locked and --lock exclude each other", hint="--locked uses the locks as they are")
    settings = Options(
        build_dir=build_dir,
        output_dir=output_dir,
        jobs=running.jobs,
        timeout=running.timeout,
        **given(packages, archives, environments, distributing),
    )
    session = Session.open(context.obj, spec, settings, targets)
    describing = session.describing(Describing()) if publish else Describing()
    request = Request(
        session.operations(lock=lock_if_needed, build=build, publish=publish),
        session.selection(layers),
        lock_policy="if-needed" if lock_if_needed else "require-valid",
        clean=clean,
        keep_going=running.keep_going,
        check_environments=check_environments,
        locked=locked,
        strict_layers=strict_layers,
    )
    return session.run_and_describe(request, showing, running, describing)


@reported
def publish(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ArtifactsDir = "_artifacts",
    delivering: Delivering,
    targets: Targets,
    layers: PublishedLayers,
    archives: Archives,
    delta_from: o.DeltaFrom = None,
    environments: Environments,
    distributing: Distributing,
    describing: Describing,
    sign: SignWith = None,
    showing: Showing,
    running: Running,
) -> int:
    """Publish one reproducible archive for each layer."""
    settings = Options(
        build_dir=build_dir,
        output_dir=output_dir,
        jobs=running.jobs,
        timeout=running.timeout,
        **given(archives, environments, distributing),
    )
    session = Session.open(context.obj, spec, settings, targets)
    describing = session.describing(describing)
    older = tuple(delta_from or ())
    code = _deliver(session, "publish", layers, delivering, showing=showing, running=running, delta_from=older)
    if code or delivering.dry_run or not showing.runs:
        return code
    session.describe(describing)
    if sign is None:
        return code
    from venvstacks.cli.signing_commands import sign_folder  # noqa: PLC0415 - few publications are signed

    return sign_folder(session.project.base / session.project.configuration.layout.artifacts, sign, session.verbosity)


@reported
def local_export(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ExportDir = "_export",
    delivering: Delivering,
    layers: PublishedLayers,
    link_mode: o.LinkModeOption = None,
    platform: o.OnePlatform = None,
    environments: Environments,
    showing: Showing,
    running: Running,
) -> int:
    """Export environments as folders that can be used on this machine."""
    settings = Options(
        build_dir=build_dir,
        export_dir=output_dir,
        link_mode=link_mode,
        jobs=running.jobs,
        timeout=running.timeout,
        **given(environments),
    )
    session = Session.open(context.obj, spec, replace(settings, platform=platform))
    if session.project.configuration.is_foreign:
        raise UsageError(
            f"environments are exported to be used on this machine, which is not {platform}",
            hint=f"publish for it: `venvstacks publish --platform {platform}`; and deploy, or export, on a machine of "
            "that platform",
        )
    return _deliver(session, "export", layers, delivering, showing=showing, running=running)


def _deliver(
    session: Session,
    operation: Operation,
    layers: PublishedLayers,
    delivering: Delivering,
    *,
    showing: Showing,
    running: Running,
    delta_from: tuple[str, ...] = (),
) -> int:
    request = Request(
        (operation,),
        session.selection(layers),
        lock_policy="require-valid",
        force=delivering.force,
        delta_from=delta_from,
        keep_going=running.keep_going,
        check_environments=delivering.check_environments,
        locked=delivering.locked,
    )
    return session.plan_or_run(request, showing, running, dry_run=delivering.dry_run)


def run(
    context: typer.Context,
    spec: o.Spec,
    *,
    application: Annotated[str, typer.Argument(metavar="APP", help="Application to start, or APP:LAUNCH_NAME.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- ARGS]", help="Its arguments.")] = None,
    build_dir: o.BuildDir = "_build",
    environments: Environments,
    platform: o.OnePlatform = None,
    jobs: o.Jobs = None,
    isolated: o.Isolated = True,
    editable: o.Editable = False,
) -> int:
    """Start an application in its build environment, which is brought up to date first."""
    settings = Options(build_dir=build_dir, platform=platform, jobs=jobs, **given(environments))
    session = Session.open(context.obj, spec, settings)
    return session.run_application(application, tuple(arguments or ()), isolated=isolated, editable=editable)
