"""The declarations of the commands about deployments; `deploy_session` carries them out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from venvstacks.api import installed_applications
from venvstacks.cli import declared_options as o
from venvstacks.cli import deploy_options as d
from venvstacks.cli.deploy_session import Commands, Folders, Wanted
from venvstacks.errors import UsageError
from venvstacks.tools.transfer_rate import parse_rate

Folder = Annotated[Path, typer.Argument(metavar="DIR", readable=False, help="Folder of the deployment.")]
DataJson = Annotated[bool, typer.Option("--json/--no-json", help="Print the result as JSON.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Fail if another process is changing the deployment.")]


def deploy(
    context: typer.Context,
    source: d.Source,
    *,
    to: d.To,
    applications: d.Applications = None,
    repair: d.Repair = False,
    synchronise: d.Synchronise = False,
    allow_downgrade: d.AllowDowngrade = False,
    check: d.Check = False,
    dry_run: d.DryRun = False,
    launchers: d.Launchers = None,
    desktop_entries: d.DesktopEntries = None,
    health_check: d.HealthCheck = None,
    later: d.Later = False,
    limit_rate: d.LimitRate = None,
    trusted: d.Trusted = None,
    no_wait: NoWait = False,
    json: DataJson = False,
) -> int:
    """Put published applications on this machine, with the layers they need; all or nothing."""
    rate = None if limit_rate is None else parse_rate(limit_rate)
    commands = Commands(context.obj, no_wait=no_wait, json=json, limit_rate=rate)
    wanted = Wanted(source, to, tuple(applications) if applications else None, trusted)
    if check or dry_run:
        return int(commands.preview(wanted, as_exit_code=check))
    flags = {"repair": repair, "synchronise": synchronise, "allow_downgrade": allow_downgrade, "later": later}
    return int(commands.deploy(wanted, Folders(launchers, desktop_entries), health_check, **flags))


def activate(
    context: typer.Context, folder: Folder, *, health_check: d.HealthCheck = None, no_wait: NoWait = False
) -> int:
    """Make current what `deploy --later` has prepared."""
    return int(Commands(context.obj, no_wait=no_wait).activate(folder, health_check))


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
    return int(Commands(context.obj, no_wait=no_wait).rollback(folder, generation))


def status(
    context: typer.Context,
    folder: Folder,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Compare every file with the manifests.")] = False,
    json: o.Json = False,
) -> int:
    """Show what is installed, and why."""
    return int(Commands(context.obj, json=json).status(folder, verify=verify))


def remove(
    context: typer.Context,
    folder: Folder,
    *,
    applications: Annotated[
        list[str] | None, typer.Option("--app", metavar="NAME", help="Application; repeatable.")
    ] = None,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove the whole deployment, for good: all that it has written.")
    ] = False,
    no_wait: NoWait = False,
) -> int:
    """Uninstall applications, and the layers that nothing needs any more."""
    commands = Commands(context.obj, no_wait=no_wait)
    if purge == bool(applications):
        raise UsageError("remove needs either --app or --purge", hint="--purge removes all applications")
    return int(commands.purge(folder) if purge else commands.remove(folder, tuple(applications or ())))


def collect(context: typer.Context, folder: Folder, *, no_wait: NoWait = False) -> int:
    """Remove what neither the current nor the previous generation needs."""
    return int(Commands(context.obj, no_wait=no_wait).collect(folder))


def execute(
    folder: Folder,
    application: Annotated[str, typer.Argument(metavar="APP", help="Installed application to start.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- ARGS]", help="Its arguments.")] = None,
    isolated: o.Isolated = True,
) -> None:
    """Start an installed application."""
    installed_applications.execute(folder, application, tuple(arguments or ()), isolated=isolated)
