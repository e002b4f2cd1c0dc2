"""The options of `deploy`, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from venvstacks.cli.option_form import option
from venvstacks.tools.transfer_rate import RATE_VARIABLE

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="Folder or http(s) URL of published artifacts.")]
To = Annotated[Path, option("--to", "Folder to deploy to.", "DIR")]
Applications = Annotated[
    list[str] | None,
    option(
        "--app",
        "Application to install or update; repeatable. Default: those that are installed; all, if none is.",
        "NAME",
    ),
]
Repair = Annotated[bool, option("--repair", "Look for damaged files first, and replace them.")]
Synchronise = Annotated[bool, option("--sync", "Wait until everything is on the disk before the switch.")]
AllowDowngrade = Annotated[bool, option("--allow-downgrade", "Let an older release replace a newer one.")]
Check = Annotated[bool, option("--check", "Say whether there is something newer, and exit with 10 if so; do nothing.")]
DryRun = Annotated[bool, option("--dry-run", "Say what would change; do nothing.")]
Launchers = Annotated[Path | None, option("--launchers", "Folder for a launcher of each installed application.", "DIR")]
DesktopEntries = Annotated[
    Path | None, option("--desktop-entries", "Folder for desktop entries; default that of launchers.", "DIR")
]
Later = Annotated[bool, option("--later", "Only prepare the new generation; `activate` makes it current.")]
HealthCheck = Annotated[
    str | None,
    option(
        "--health-check",
        "Shell command that has to succeed after the switch; else what was installed before becomes current.",
        "CMD",
    ),
]
LimitRate = Annotated[
    str | None,
    option("--limit-rate", "Bytes per second that may be downloaded, e.g. 500k or 2M.", "RATE", envvar=RATE_VARIABLE),
]
Trusted = Annotated[
    str | None,
    option("--trust", "Whose signatures to trust: a file with the root metadata, or its fingerprint.", "ROOT"),
]
