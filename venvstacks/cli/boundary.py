"""The one error boundary: whatever goes wrong ends here, as a message, a hint and an exit code."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path

from venvstacks.errors import ExitCode, VenvstacksError


def run_command_line(arguments: list[str]) -> int:
    """Run the command line and return its exit code; nothing escapes."""
    from venvstacks.cli.app import app  # noqa: PLC0415 - typer is only loaded for a command line

    try:
        return int(app(arguments, prog_name="venvstacks", standalone_mode=False) or 0)
    except VenvstacksError as error:
        tell_error(error)
        return int(error.exit_code)
    except (KeyboardInterrupt, EOFError):
        print("error: interrupted", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has enough; keep the interpreter from complaining when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except Exception as error:  # noqa: BLE001 - the last line of defence
        return _tell_other(error)


def _tell_other(error: Exception) -> int:
    show = getattr(error, "show", None)
    exit_code = getattr(error, "exit_code", None)
    if exit_code is not None:  # click's own errors and exits
        if callable(show):
            show()
        return int(exit_code)
    with tempfile.NamedTemporaryFile("w", prefix="venvstacks-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    message = f"error: a defect of this program: {type(error).__name__}: {error}\nhint: report it with {log.name}"
    print(message, file=sys.stderr)
    return int(ExitCode.MIXED)


def tell_error(error: VenvstacksError) -> None:
    """Show what went wrong on standard error."""
    print(f"error: {error}", file=sys.stderr)


def relative(path: Path) -> str:
    """A path as a person in the present folder would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
