"""The texts of launchers: of those that users start, and of those in a generation, which they hand over to.

A launcher of the first kind names the deployment only and starts whatever is current, so that it never changes. The
other kind, one in each generation, knows the application's Python and module.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath

START_FOLDER = "start"
"""Folder of a generation with the launchers that launchers hand over to."""

MARKER = "venvstacks launcher of"
"""What the second line of a launcher says before the deployment's folder."""


@dataclass(frozen=True)
class StartedApplication:
    """What a generation's launcher starts.

    Attributes:
        name: The application.
        python: Its Python, relative to the deployment's folder, with forward slashes.
        options: The arguments of that Python, before those of the application.
    """

    name: str
    python: str
    options: tuple[str, ...]


def start_file(name: str, *, windows: bool) -> str:
    """The name of an application's launcher."""
    return f"{name}.cmd" if windows else name


def start_text(started: StartedApplication, *, windows: bool) -> str:
    """The launcher in a generation; it finds the deployment by its own place, which may be moved."""
    if windows:
        python = started.python.replace("/", "\\")
        return _lines(
            "@echo off",
            f"rem Starts {_percent(started.name)} of this generation.",
            "set PYTHONPATH=",
            "set PYTHONHOME=",
            f'"%~dp0..\\..\\..\\{_percent(python)}" {_percent(_windows_arguments(started.options))} %*',
        )
    return (
        "#!/bin/sh\n"
        f"# Starts {started.name} of this generation.\n"
        'here=$(CDPATH= cd -P -- "${0%/*}" && pwd -P) || exit 1\n'
        "unset PYTHONPATH PYTHONHOME\n"
        f'exec "${{here%/*/*/*}}"/{shlex.quote(started.python)} {shlex.join(started.options)} "$@"\n'
    )


def launcher_text(name: str, root: PurePath, *, windows: bool) -> str:
    """The launcher that users start.

    Args:
        name: The application.
        root: The deployment's folder, absolute.
        windows: Whether for Windows, where the link to the current generation is a file with its path.
    """
    if windows:
        base = _percent(str(PureWindowsPath(root)))
        file = _percent(start_file(name, windows=True))
        change = ("chcp 65001 >nul",) if not base.isascii() or not file.isascii() else ()
        return _lines(
            "@echo off",
            f"rem {MARKER} {base}",
            *change,
            f'for /f "usebackq delims=" %%g in ("{base}\\current") do "{base}\\%%g\\{START_FOLDER}\\{file}" %*',
            f"echo {_percent(name)} is not installed in {base} 1>&2",
            "exit /b 127",
        )
    start = shlex.quote(str(PurePosixPath(root) / "current" / START_FOLDER / name))
    missing = shlex.quote(f"{name} is not installed in {root}")
    return (
        "#!/bin/sh\n"
        f"# {MARKER} {root}\n"
        f"start={start}\n"
        f"[ -x \"$start\" ] || {{ printf '%s\\n' {missing} >&2; exit 127; }}\n"
        'exec "$start" "$@"\n'
    )


def is_launcher_of(text: str, root: PurePath) -> bool:
    """Whether a file with this text is a launcher, or a desktop entry, of the deployment in the folder `root`."""
    places = {str(root), _percent(str(root))}
    return any(line.rstrip("\r").partition(f"{MARKER} ")[2] in places for line in text.split("\n", 4)[:4])


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _percent(text: str) -> str:
    """`text` in a batch file, in which one percent sign begins the name of a variable."""
    return text.replace("%", "%%")


def _windows_arguments(arguments: Sequence[str]) -> str:
    return " ".join(f'"{one}"' if " " in one else one for one in arguments)  # none of these has a quotation mark
