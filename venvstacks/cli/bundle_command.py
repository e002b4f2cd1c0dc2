"""`bundle`: an application and all that it needs as one file, for machines without Python and without a network."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from venvstacks.cli import deploy_options as d
from venvstacks.cli.printable import print_message
from venvstacks.errors import ExitCode


def bundle(
    context: typer.Context,
    source: d.Source,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", dir_okay=False, help="The file to write: .run, or .zip for Windows."
        ),
    ],
    applications: Annotated[
        list[str] | None,
        typer.Option("--app", metavar="NAME", help="Application to put into it; repeatable. [default: all]"),
    ] = None,
    platform: Annotated[
        str | None, typer.Option("--platform", metavar="NAME", help="Target platform. [default: this machine's]")
    ] = None,
    trusted: d.Trusted = None,
) -> int:
    """Write a single file that installs applications without Python and without a network."""
    from venvstacks.api.bundles import WantedBundle, make_bundle  # noqa: PLC0415 - not for the help
    from venvstacks.api.deployment_options import DeployOptions  # noqa: PLC0415 - as above
    from venvstacks.api.machine_platform import chosen_platform  # noqa: PLC0415

    wanted = WantedBundle(
        source, output, chosen_platform(platform), version("venvstacks"), tuple(applications or ()), trusted
    )
    made, signed = make_bundle(wanted, DeployOptions(warn=lambda line: print_message(f"warning: {line}")))
    if not context.obj.quiet:
        print_message(f"{made.path}: {made.size / 1e6:.1f} MB, {made.title} for {made.platform}")
        print_message(f"layers: {', '.join(made.layers)}")
        if signed is not None:
            print_message(f"signed by {signed.signer}; it can be installed until {signed.valid_until:%Y-%m-%d}")
        start = "unpack it, and start `install.cmd DIR`" if wanted.platform.is_windows else f"`sh {made.path.name} DIR`"
        print_message(f"to install: {start}")
    return ExitCode.DONE
