"""The commands. Each turns its options into a request and hands it to the API."""

from __future__ import annotations

from typing import Annotated

import typer

from venvstacks.api import Options, Request, Selection
from venvstacks.cli import beginning, deployment, insight, locking, verification
from venvstacks.cli import options as o
from venvstacks.cli.helps import App, Group
from venvstacks.cli.session import Session, Verbosity
from venvstacks.cli.version import show_version

app = App(
    name="venvstacks",
    cls=Group,
    help="Lock, build, link and publish layered Python environments.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    if wanted:
        raise typer.Exit(show_version())


@app.callback()
def common(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - handled while it is parsed
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Take the options that stand before the command."""
    context.obj = Verbosity(quiet=quiet, verbose=verbose)


app.command()(beginning.init)


@app.command()
def show(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    include: o.Include = None,
    allow_missing: o.AllowMissing = False,
    json: o.Json = False,
) -> int:
    """Show the layers of a stack, and which locks are not valid (*)."""
    session = Session.open(context.obj, spec, Options(build_dir=build_dir))
    selection = Selection(include=_many(include), allow_missing=allow_missing)
    return session.show(selection, json=json)


locking.register(app)


@app.command()
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
    index: o.Index = True,
    local_wheels: o.LocalWheels = None,
    tag_outputs: o.TagOutputs = False,
    include: o.Include = None,
    reset_lock: o.ResetLock = None,
    allow_missing: o.AllowMissing = False,
    lock_dependencies: o.LockDependencies = None,
    build_dependencies: o.BuildDependencies = None,
    publish_dependencies: o.PublishDependencies = None,
    include_dependencies: o.IncludeDependencies = None,
    build_derived: o.BuildDerived = None,
    publish_derived: o.PublishDerived = None,
    archive_format: o.ArchiveFormat = None,
    archive_level: o.ArchiveLevel = None,
    compression: o.Compression = None,
    runtime_provider: o.RuntimeProvider = None,
    check_imports: o.CheckImports = None,
    check_environments: o.CheckEnvironments = False,
    show: o.Show = False,
    show_only: o.ShowOnly = False,
    json: o.Json = False,
    jobs: o.Jobs = None,
    keep_going: o.KeepGoing = False,
    trace: o.Trace = None,
) -> int:
    """Build (and lock, and publish) the environments of all layers."""
    settings = Options(
        build_dir=build_dir, output_dir=output_dir, tag_outputs=tag_outputs, archive_format=archive_format,
        archive_level=archive_level, compression=compression, runtime_providers=_many(runtime_provider) or None,
        local_wheels=_many(local_wheels), use_index=index, check_imports=check_imports, jobs=jobs,
    )  # fmt: skip
    session = Session.open(context.obj, spec, settings)
    selection = Selection(
        include=_many(include), reset_lock=_many(reset_lock), allow_missing=allow_missing,
        lock_dependencies=lock_dependencies, build_dependencies=build_dependencies,
        publish_dependencies=publish_dependencies, include_dependencies=include_dependencies,
        build_derived=build_derived, publish_derived=publish_derived,
    )  # fmt: skip
    operations = session.operations(lock=lock_if_needed, build=build, publish=publish)
    request = Request(
        operations,
        selection,
        lock_policy="if-needed" if lock_if_needed else "require-valid",
        clean=clean,
        keep_going=keep_going,
        check_environments=check_environments,
    )
    return session.show_and_run(request, show=show, show_only=show_only, json=json, trace=trace)


@app.command()
def publish(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ArtifactsDir = "_artifacts",
    force: o.Force = False,
    check_environments: o.CheckEnvironments = False,
    dry_run: o.DryRun = False,
    tag_outputs: o.TagOutputs = False,
    include: o.Include = None,
    allow_missing: o.AllowMissing = False,
    publish_dependencies: o.PublishDependencies = None,
    publish_derived: o.PublishDerived = None,
    archive_format: o.ArchiveFormat = None,
    archive_level: o.ArchiveLevel = None,
    compression: o.Compression = None,
    runtime_provider: o.RuntimeProvider = None,
    check_imports: o.CheckImports = None,
    show: o.Show = False,
    show_only: o.ShowOnly = False,
    json: o.Json = False,
    jobs: o.Jobs = None,
    keep_going: o.KeepGoing = False,
    trace: o.Trace = None,
) -> int:
    """Publish one reproducible archive for each layer."""
    settings = Options(
        build_dir=build_dir,
        output_dir=output_dir,
        tag_outputs=tag_outputs,
        archive_format=archive_format,
        archive_level=archive_level,
        compression=compression,
        runtime_providers=_many(runtime_provider) or None,
        check_imports=check_imports,
        jobs=jobs,
    )
    session = Session.open(context.obj, spec, settings)
    selection = Selection(
        include=_many(include),
        allow_missing=allow_missing,
        publish_dependencies=publish_dependencies,
        publish_derived=publish_derived,
    )
    request = Request(
        ("publish",),
        selection,
        lock_policy="require-valid",
        force=force,
        keep_going=keep_going,
        check_environments=check_environments,
    )
    if dry_run:
        return session.plan(request, form="json" if json else "text")
    return session.show_and_run(request, show=show, show_only=show_only, json=json, trace=trace)


@app.command()
def local_export(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    output_dir: o.ExportDir = "_export",
    force: o.Force = False,
    check_environments: o.CheckEnvironments = False,
    dry_run: o.DryRun = False,
    include: o.Include = None,
    allow_missing: o.AllowMissing = False,
    publish_dependencies: o.PublishDependencies = None,
    publish_derived: o.PublishDerived = None,
    link_mode: o.LinkModeOption = None,
    runtime_provider: o.RuntimeProvider = None,
    check_imports: o.CheckImports = None,
    show: o.Show = False,
    show_only: o.ShowOnly = False,
    json: o.Json = False,
    jobs: o.Jobs = None,
    keep_going: o.KeepGoing = False,
    trace: o.Trace = None,
) -> int:
    """Lay environments down as folders that can be used on this machine."""
    settings = Options(
        build_dir=build_dir, export_dir=output_dir, link_mode=link_mode, check_imports=check_imports, jobs=jobs,
        runtime_providers=_many(runtime_provider) or None,
    )  # fmt: skip
    session = Session.open(context.obj, spec, settings)
    selection = Selection(
        include=_many(include),
        allow_missing=allow_missing,
        publish_dependencies=publish_dependencies,
        publish_derived=publish_derived,
    )
    request = Request(
        ("export",),
        selection,
        lock_policy="require-valid",
        force=force,
        keep_going=keep_going,
        check_environments=check_environments,
    )
    if dry_run:
        return session.plan(request, form="json" if json else "text")
    return session.show_and_run(request, show=show, show_only=show_only, json=json, trace=trace)


insight.register(app)
verification.register(app)
app.command()(beginning.schema)


@app.command(context_settings={"ignore_unknown_options": True})
def run(
    context: typer.Context,
    spec: o.Spec,
    *,
    application: Annotated[str, typer.Argument(metavar="APP", help="Application layer to start.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- ARGS]", help="Its arguments.")] = None,
    build_dir: o.BuildDir = "_build",
    runtime_provider: o.RuntimeProvider = None,
    check_imports: o.CheckImports = None,
    jobs: o.Jobs = None,
) -> int:
    """Start an application in its build environment, which is brought up to date first."""
    settings = Options(
        build_dir=build_dir, runtime_providers=_many(runtime_provider) or None, check_imports=check_imports, jobs=jobs
    )
    session = Session.open(context.obj, spec, settings)
    return session.run_application(application, _many(arguments))


def _many(values: list[str] | None) -> tuple[str, ...]:
    return tuple(values or ())


deployment.register(app)
