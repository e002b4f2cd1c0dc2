"""The `venvstacks` command: options, commands, reporting, and the one place where errors become exit codes."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; the entry point of the console script."""
    gc.disable()  # while modules are loaded, which leaves nothing to collect
    try:
        from venvstacks.cli.error_boundary import run_command_line, settle_streams  # noqa: PLC0415 - importing this package is free

        settle_streams()
        sys.exit(run_command_line(sys.argv[1:], on_loaded=_collect_garbage_again))
    except KeyboardInterrupt:  # before the command line was there to take it
        print("error: interrupted", file=sys.stderr)
        sys.exit(130)


def _collect_garbage_again() -> None:
    """Let the collector work, but not on what is loaded and stays: that is a tenth of a short command's time."""
    gc.freeze()
    gc.enable()
