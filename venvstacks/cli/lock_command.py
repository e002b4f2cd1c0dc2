"""The command `lock`: its options and its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import typer

from venvstacks import api
from venvstacks.cli import declared_options as o
from venvstacks.cli.option_groups import LockedLayers, Packages, Running, Showing, Targets, given
from venvstacks.cli.printable import print_json, print_result
from venvstacks.cli.session import Session, reported
from venvstacks.errors import ExitCode, UsageError
from venvstacks.locking.lock_changes import LockChanges, describe_changes, moved_packages

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
DryRun = Annotated[bool, typer.Option("--dry-run/--no-dry-run", help="Show what would change; write nothing.")]


@reported
def lock(
    context: typer.Context,
    spec: o.Spec,
    *,
    build_dir: o.BuildDir = "_build",
    clean: o.Clean = False,
    if_needed: Annotated[bool, typer.Option("--if-needed/--no-if-needed", help="Leave valid locks alone.")] = False,
    packages: Packages,
    targets: Targets,
    layers: LockedLayers,
    upgrade: Upgrade = False,
    upgrade_package: UpgradePackage = None,
    align: Align = False,
    strict_layers: o.StrictLayers = False,
    runtime_provider: o.RuntimeProvider = None,
    dry_run: DryRun = False,
    showing: Showing,
    running: Running,
) -> int:
    """Lock the packages of all layers together, for all of their platforms."""
    if if_needed and (upgrade or upgrade_package):
        raise UsageError("--if-needed and --upgrade exclude each other", hint="valid locks are what an upgrade renews")
    settings = api.Options(
        build_dir=build_dir,
        runtime_providers=tuple(runtime_provider) if runtime_provider else None,
        jobs=running.jobs,
        timeout=running.timeout,
        newest_pythons=upgrade,
        **given(packages),
    )
    session = Session.open(context.obj, spec, settings, targets)
    request = api.Request(
        ("lock",),
        session.selection(layers),
        renew_locks=not if_needed,
        upgrade=upgrade,
        upgrade_packages=tuple(upgrade_package or ()),
        align=align,
        strict_layers=strict_layers,
        clean=clean,
        keep_going=running.keep_going,
    )
    if dry_run:
        return _preview(session, request, json=showing.json)
    return replace(session, targets=()).show_and_run(request, showing, running)  # one lock serves all platforms


def _preview(session: Session, request: api.Request, *, json: bool) -> int:
    changes = api.preview_locks(session.project, request)
    if json:
        print_json(_data(changes))
    else:
        print_result("\n".join(describe_changes(changes)) or "no lock would change")
    return ExitCode.DONE


def _data(changes: Mapping[str, LockChanges]) -> dict[str, object]:
    moved = moved_packages(changes)
    return {
        "layers": {name: change.as_json() for name, change in changes.items() if change},
        "moved": {name: {"from": list(old), "to": list(new)} for name, (old, new) in moved.items()},
    }
