"""The `venvstacks` command: options, commands, reporting, and the one place where errors become exit codes.

This module and its package import nothing that takes time, so that `main` is there to handle signals at once.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False  # `typing` takes longer than everything here
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; the entry point of the console script."""
    gc.disable()  # while modules are loaded, which leaves nothing to collect
    try:
        leave_at_signals()
        from venvstacks.cli.error_boundary import run_command_line, settle_streams  # noqa: PLC0415 - takes time

        settle_streams()
        sys.exit(run_command_line(sys.argv[1:], on_loaded=_collect_garbage_again))
    except KeyboardInterrupt:  # before there was a handler
        leave_at_once(2, None)


def leave_at_signals() -> None:
    """While modules are loaded, and after the command: nothing is at work then that would have to be ended."""
    import signal  # noqa: PLC0415 - takes time

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where Ctrl-C is to be ignored
        signal.signal(signal.SIGINT, leave_at_once)
    signal.signal(signal.SIGTERM, leave_at_once)


def leave_at_once(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - the protocol of handlers
    """End this process with the exit code of shells for a signal.

    No exception is raised: one that comes while modules are loaded can be lost, or be printed by the interpreter.
    """
    try:
        os.write(2, b"error: interrupted\n")
    finally:
        os._exit(128 + number)


def _collect_garbage_again() -> None:
    """Let the collector work, but not on what is loaded and stays: that is a tenth of a short command's time."""
    gc.freeze()
    gc.enable()
