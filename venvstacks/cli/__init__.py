"""The `venvstacks` command: options, commands, reporting, and the one place where errors become exit codes."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; the entry point of the console script."""
    from venvstacks.cli.boundary import run_command_line  # noqa: PLC0415 - importing this package costs nothing

    sys.exit(run_command_line(sys.argv[1:]))
