"""The options of `deploy`, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from venvstacks.tools.transfer_rate import RATE_VARIABLE

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="Folder or http(s) URL of published artifacts.")]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder to deploy to.")]
Applications = Annotated[
    list[str] | None,
    typer.Option(
        "--app",
        metavar="NAME",
        help="Application to install or update; repeatable. Default: those that are installed; all, if none is.",
    ),
]
Repair = Annotated[bool, typer.Option("--repair", help="Look for damaged files first, and replace them.")]
Synchronise = Annotated[bool, typer.Option("--sync", help="Wait until everything is on the disk before the switch.")]
AllowDowngrade = Annotated[bool, typer.Option("--allow-downgrade", help="Let an older release replace a newer one.")]
Check = Annotated[
    bool, typer.Option("--check", help="Say whether there is something newer, and exit with 10 if so; do nothing.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change; do nothing.")]
Launchers = Annotated[
    Path | None,
    typer.Option("--launchers", metavar="DIR", help="Folder for a launcher of each installed application."),
]
DesktopEntries = Annotated[
    Path | None,
    typer.Option("--desktop-entries", metavar="DIR", help="Folder for desktop entries; default that of launchers."),
]
HealthCheck = Annotated[
    str | None,
    typer.Option(
        "--health-check",
        metavar="CMD",
        help="Shell command that has to succeed after the switch; else what was installed before becomes current.",
    ),
]
LimitRate = Annotated[
    str | None,
    typer.Option(
        "--limit-rate",
        metavar="RATE",
        help="Bytes per second that may be downloaded, e.g. 500k or 2M.",
        envvar=RATE_VARIABLE,
        show_envvar=True,
    ),
]
Trusted = Annotated[
    str | None,
    typer.Option(
        "--trust",
        metavar="ROOT",
        help="Whose signatures to trust: a file with the root metadata, or its fingerprint.",
    ),
]
