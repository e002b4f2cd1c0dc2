"""The one error boundary of the command line: every error becomes a message, a hint and an exit code here."""

from __future__ import annotations

import _thread
import contextlib
import errno
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from venvstacks.cli import leave_at_once
from venvstacks.errors import ExitCode, InterruptedRunError, VenvstacksError

_DEPLOYMENTS = {"deploy", "activate", "rollback", "status", "remove", "collect", "exec"}
_OUTPUT_FAILURES = {errno.ENOSPC, errno.EIO, errno.EBADF}
_NO_PATHS = {errno.ENAMETOOLONG, errno.ELOOP}
_LONGEST_SHOWN = 200


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends this program as Ctrl-C does, so that children are ended and temporary folders removed too."""


@contextlib.contextmanager
def _orderly_termination() -> Iterator[list[KeyboardInterrupt]]:
    """Let SIGTERM raise `Terminated` in the block; runs of tasks have handlers of their own.

    An interrupt ends the block as such, also where it was taken for a fault on the way: pydantic reports one that comes
    while it prepares a model as an error in that model. One that comes where Python drops exceptions, in a finalizer
    for example, is raised again a moment later.

    Yields:
        What signals have raised so far: the parser turns such exceptions into a return value.
    """
    raised: list[KeyboardInterrupt] = []
    if threading.current_thread() is not threading.main_thread():
        yield raised
        return

    def interrupt(signum: int, frame: object) -> NoReturn:  # noqa: ARG001 - the protocol of handlers
        raised.append(Terminated() if signum == signal.SIGTERM else KeyboardInterrupt())
        raise raised[-1]

    def raise_later(dropped: sys.UnraisableHookArgs) -> None:
        if any(dropped.exc_value is known for known in raised):
            number = signal.SIGTERM if isinstance(dropped.exc_value, Terminated) else signal.SIGINT
            threading.Timer(0.01, _thread.interrupt_main, (number,)).start()  # at once, it would be dropped here
        else:
            hook(dropped)

    hook, sys.unraisablehook = sys.unraisablehook, raise_later
    previous = {signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt)}
    if signal.getsignal(signal.SIGINT) in {signal.default_int_handler, leave_at_once}:  # not where it is ignored
        previous[signal.SIGINT] = signal.signal(signal.SIGINT, interrupt)
    try:
        yield raised
    except Exception as error:
        if raised and not isinstance(error, InterruptedRunError):
            raise raised[0] from error
        raise
    finally:
        sys.unraisablehook = hook
        for number, handler in previous.items():
            signal.signal(number, handler)


def run_command_line(arguments: list[str], on_loaded: Callable[[], None] = lambda: None) -> int:
    """Run the command line and return its exit code; no error is raised.

    Args:
        arguments: As they follow the program's name.
        on_loaded: Called when the command has been loaded and is about to run.
    """
    return guarded(lambda: _load_and_run(arguments, on_loaded))


def _load_and_run(arguments: list[str], on_loaded: Callable[[], None]) -> int:
    if arguments in (["--version"], ["-V"]):
        from venvstacks.cli.version import show_version  # noqa: PLC0415 - typer alone takes longer than this answer

        return show_version()
    if arguments and arguments[0] in _DEPLOYMENTS:
        from venvstacks.cli.deployer_program import quickly_parsed  # noqa: PLC0415 - as above

        if (run := quickly_parsed(arguments)) is not None:
            on_loaded()
            return interruptible(lambda: _run(run))
    from venvstacks.cli.app import common_options_first, make_app  # noqa: PLC0415 - as above

    arguments = common_options_first(arguments)
    app = make_app(arguments)
    on_loaded()
    return interruptible(lambda: _run(lambda: int(app(arguments, prog_name="venvstacks", standalone_mode=False) or 0)))


def interruptible(run: Callable[[], int]) -> int:
    """Run a command that signals end in order."""
    with _orderly_termination() as raised:
        code = run()
        _raise_again(raised if code == ExitCode.INTERRUPTED else [])
        return code


def guarded(run: Callable[[], int], at_end: Callable[[], None] = lambda: None) -> int:
    """The exit code of a command line; every error is reported.

    Args:
        run: Runs it.
        at_end: Called after an interrupt, which may end this process here.
    """
    try:
        return run()
    except VenvstacksError as error:
        report_error(error)
        if not isinstance(error, InterruptedRunError):
            return int(error.exit_code)
        at_end()
        return _leave_at_once(error.exit_code)
    except (KeyboardInterrupt, EOFError) as ending:
        print("error: interrupted", file=sys.stderr)
        at_end()
        return _leave_at_once(ExitCode.TERMINATED if isinstance(ending, Terminated) else ExitCode.INTERRUPTED)
    except SystemExit as leaving:  # the parser leaves like this when output fails
        if isinstance(leaving.__context__, OSError):
            return _report_other(leaving.__context__)
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence
        return _report_other(error)


def _raise_again(raised: list[KeyboardInterrupt]) -> None:
    for interrupt in raised[:1]:
        raise interrupt


def _run(run: Callable[[], int]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names and trees must not fail on a terminal's encoding
    code = run()
    sys.stdout.flush()
    return code


def _discard_output() -> None:
    """Keep the interpreter from complaining when it flushes standard output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)


class _Messages(io.TextIOWrapper):
    """Standard error where messages that cannot be written are dropped: they must not end a run."""

    def write(self, text: str, /) -> int:
        """Write, or drop what cannot be written."""
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop what cannot be written."""
        try:
            super().flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def settle_streams() -> None:
    """Let this process continue where its standard streams are closed or full: closed ones become the null device.

    Only for the process of the command line: a program that embeds this package is responsible for its streams.
    """
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            place = os.open(os.devnull, os.O_RDWR)
            if place != number:  # nothing that is opened later may get the number of a closed stream
                os.dup2(place, number)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))
    if isinstance(sys.stderr, io.TextIOWrapper):
        encoding = sys.stderr.encoding
        sys.stderr = _Messages(sys.stderr.detach(), encoding, errors="backslashreplace", line_buffering=True)


def _leave_at_once(code: ExitCode) -> int:
    """End this process without waiting for running threads, which write temporary files only."""
    if threading.active_count() > 1:
        sys.stderr.flush()
        os._exit(code)
    return int(code)


def _report_other(error: Exception) -> int:
    """Report an error of the command line's parser, or else a defect.

    The parser's classes are typer's private copies of click's, so they are known by what they can do.
    """
    exit_code = getattr(error, "exit_code", None)
    if isinstance(error, BrokenPipeError):  # the reader of our output has closed it
        _discard_output()
        return int(ExitCode.DONE)
    if isinstance(error, OSError) and (outside := _fault_outside(error)):
        _report(outside[0])
        return int(outside[1])
    if exit_code is None:
        report_defect(error)
        return int(ExitCode.MIXED)
    if "HelpError" in type(error).__name__:  # no command was given: the help is shown
        error.show()  # type: ignore[attr-defined]
    elif format_message := getattr(error, "format_message", None):
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "venvstacks"
        message = format_message().replace(": Value error, ", ": ")  # of pydantic, which checks values for typer
        otherwise = f"`{command} -h` lists commands and options"
        if option := getattr(error, "option_name", None):
            commands_with = getattr(context.find_root().command, "commands_with", None) if context else None
            if others := commands_with(option) if commands_with else ():
                message, otherwise = f"{command} has no option {option}", f"it is an option of {', '.join(others)}"
        elif context and "extra argument" in message and any("--app" in one.opts for one in context.command.params):
            otherwise = "applications are named by --app NAME"
        _report(f"{message}\nhint: {otherwise}")
    return int(exit_code)


def _fault_outside(error: OSError) -> tuple[str, ExitCode] | None:
    """What to say about streams, folders and paths that cannot be used, and the exit code; None for a defect."""
    if error.filename is None and error.errno in _OUTPUT_FAILURES:
        _discard_output()
        return f"standard output cannot be written: {error.strerror}", ExitCode.MIXED
    if error.filename is None and isinstance(error, FileNotFoundError) and not _has_current_folder():
        hint = "hint: change to another folder and run the same command again"
        return f"the current folder was removed\n{hint}", ExitCode.USAGE
    if error.filename is not None and error.errno in _NO_PATHS:
        place = str(error.filename)
        shown = place if len(place) <= _LONGEST_SHOWN else f"{place[:_LONGEST_SHOWN]}..."
        return f"{shown} cannot be used as a path: {error.strerror}\nhint: choose another one", ExitCode.USAGE
    return None


def _has_current_folder() -> bool:
    try:
        return Path.cwd().is_dir()
    except OSError:
        return False


def report_defect(error: BaseException) -> None:
    """Report a defect of this program; the traceback is written to a file."""
    import tempfile  # noqa: PLC0415 - 3 ms, for reports of defects alone

    from venvstacks.urls import without_secrets  # noqa: PLC0415 - only failures need it

    with tempfile.NamedTemporaryFile("w", prefix="venvstacks-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write(without_secrets("".join(traceback.format_exception(type(error), error, error.__traceback__))))
    _report(f"a defect of this program: {type(error).__name__}: {error}\nhint: report it with {log.name}")


def report_error(error: VenvstacksError) -> None:
    """Show what went wrong on standard error; where CI annotates errors, at their lines as well."""
    _report(str(error))
    from venvstacks.cli.ci_annotations import annotate  # noqa: PLC0415 - only failures need it

    annotate(error)


def _report(text: str) -> None:
    from venvstacks.cli.printable import print_message  # noqa: PLC0415 - the answer to --version does not need it

    print_message(f"error: {text}")


def relative(path: Path) -> str:
    """A path relative to the current folder, if it is in it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
