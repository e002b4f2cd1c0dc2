"""The command that locks: what its options mean, and what it tells."""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping
from typing import Annotated

import typer

from venvstacks import api
from venvstacks.cli import options as o
from venvstacks.cli.session import Session
from venvstacks.errors import ExitCode, UsageError
from venvstacks.locking.changes import LockChanges, describe_changes, moved_packages

_VERSIONS = "Versions"

Upgrade = Annotated[
    bool, typer.Option("--upgrade", "-U", help="Drop the earlier pins of all layers.", rich_help_panel=_VERSIONS)
]
UpgradePackage = Annotated[
    list[str] | None,
    typer.Option(
        "--upgrade-package",
        "-P",
        metavar="NAME",
        help="Drop the earlier pins of this package alone; repeatable.",
        rich_help_panel=_VERSIONS,
    ),
]
Align = Annotated[bool, typer.Option("--align", help="Seek one version for all platforms.", rich_help_panel=_VERSIONS)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; write nothing.")]


def lock(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    clean: o.Clean = False,
    if_needed: Annotated[bool, typer.Option("--if-needed", help="Leave valid locks alone.")] = False,
    index: o.Index = True,
    local_wheels: o.LocalWheels = None,
    include: o.Include = None,
    reset_lock: o.ResetLock = None,
    upgrade: Upgrade = False,
    upgrade_package: UpgradePackage = None,
    align: Align = False,
    allow_missing: o.AllowMissing = False,
    lock_dependencies: o.LockDependencies = None,
    dry_run: DryRun = False,
    show: o.Show = False,
    show_only: o.ShowOnly = False,
    json: o.Json = False,
    jobs: o.Jobs = None,
    keep_going: o.KeepGoing = False,
) -> int:
    """Lock the packages of all layers together, for all of their platforms."""
    if if_needed and (upgrade or upgrade_package):
        raise UsageError("--if-needed and --upgrade exclude each other", hint="valid locks are what an upgrade renews")
    settings = api.Options(build_dir=build_dir, local_wheels=tuple(local_wheels or ()), use_index=index, jobs=jobs)
    selection = api.Selection(
        include=tuple(include or ()),
        reset_lock=tuple(reset_lock or ()),
        allow_missing=allow_missing,
        lock_dependencies=lock_dependencies,
    )
    request = api.Request(
        ("lock",),
        selection,
        renew_locks=not if_needed,
        upgrade=upgrade,
        upgrade_packages=tuple(upgrade_package or ()),
        align=align,
        clean=clean,
        keep_going=keep_going,
    )
    session = Session.open(context.obj, spec, settings)
    if dry_run:
        return _preview(session, request, json=json)
    return session.show_and_run(request, show=show, show_only=show_only, json=json)


def _preview(session: Session, request: api.Request, *, json: bool) -> int:
    changes = api.preview_locks(session.project, request)
    if json:
        print(json_text.dumps(_data(changes), indent=2, ensure_ascii=False))
    else:
        print("\n".join(describe_changes(changes)) or "no lock would change")
    return ExitCode.DONE


def _data(changes: Mapping[str, LockChanges]) -> dict[str, object]:
    moved = moved_packages(changes)
    return {
        "layers": {name: change.as_json() for name, change in changes.items() if change},
        "moved": {name: {"from": list(old), "to": list(new)} for name, (old, new) in moved.items()},
    }


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(lock)
