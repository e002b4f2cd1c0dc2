"""The texts of launchers: of those that users start, and of those in a generation, which they hand over to.

A launcher of the first kind names the deployment only and starts whatever is current, so that it never changes. The
other kind, one in each generation, knows the application's Python and module.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath

START_FOLDER = "start"
"""Folder of a generation with the launchers that launchers hand over to."""

MARKER = "venvstacks launcher of"
"""What the second line of a launcher says before the deployment's folder."""


_START = """\
#!/bin/sh
# Starts {name} of this generation.
self=$0
[ ! -L "$self" ] || self=$(readlink -f -- "$self") || exit 1
here=$(CDPATH= cd -P -- "${{self%/*}}" && pwd -P) || exit 1
unset PYTHONPATH PYTHONHOME
layers=${{here%/*/*/*}}/{folder}
mend() {{
    for layer in {layers}; do
        "$layers"/{base} -I -B "$layers/$layer/postinstall.py" --no-compile || return
    done
}}
# This file names the folder that the deployment was in when it was written.
home= file=$layers/{own}/pyvenv.cfg
[ ! -r "$file" ] || IFS= read -r home <"$file"
[ "$home" = "home = $layers/"{library} ] || why=$(mend 2>&1) || {{
    {unwritable}
}}
exec "$layers"/{python} {options} "$@"
"""
_AFTER_MOVE = "if that folder was moved, deploy again with --launchers"
_FAILURE = """\
printf '%s\\n' "$why" "$0: the deployment was moved: start it once as a user who may write to it" >&2
    exit 126"""


@dataclass(frozen=True)
class StartedApplication:
    """What a generation's launcher starts.

    Attributes:
        name: The application.
        folder: The folder of its layers, relative to the deployment's folder, with forward slashes.
        python: Its Python, relative to that folder.
        base_python: The Python of its runtime, relative to that folder.
        layers: The layers that name their folder in generated files, relative to that folder; its own is the last one.
        options: The arguments of its Python, before those of the application.
        python_home: Its runtime, relative to that folder, if it can be started without generated files that are right.
    """

    name: str
    folder: str
    python: str
    base_python: str
    layers: tuple[str, ...]
    options: tuple[str, ...]
    python_home: str | None = None


def start_file(name: str, *, windows: bool) -> str:
    """The name of an application's launcher."""
    return f"{name}.cmd" if windows else name


def start_text(started: StartedApplication, *, windows: bool) -> str:
    """The launcher in a generation; it finds the deployment by its own place, which may be moved.

    A Python of a layer finds its standard library by an absolute path in its `pyvenv.cfg`. Where that is another
    place's, the launcher runs post-install, except on Windows. Where nothing can be written, as in an image that is
    mounted in another place, `PYTHONHOME` says the same for as long as the application runs.
    """
    if windows:
        python = f"{started.folder}/{started.python}".replace("/", "\\")
        return _lines(
            "@echo off",
            f"rem Starts {_percent(started.name)} of this generation.",
            "set PYTHONPATH=",
            "set PYTHONHOME=",
            f'"%~dp0..\\..\\..\\{_percent(python)}" {_percent(_windows_arguments(started.options))} %*',
        )
    return _START.format(
        name=started.name,
        folder=shlex.quote(started.folder),
        own=shlex.quote(started.layers[-1]),
        python=shlex.quote(started.python),
        base=shlex.quote(started.base_python),
        library=shlex.quote(posixpath.dirname(started.base_python)),
        layers=shlex.join(started.layers),
        unwritable=_unwritable(started.python_home),
        options=shlex.join(started.options),
    )


def _unwritable(python_home: str | None) -> str:
    if python_home is None:
        return _FAILURE
    return f"PYTHONHOME=$layers/{shlex.quote(python_home)}\n    export PYTHONHOME"


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
            f"echo {_percent(name)} is not installed in {base}; {_AFTER_MOVE} 1>&2",
            "exit /b 127",
        )
    start = shlex.quote(str(PurePosixPath(root) / "current" / START_FOLDER / name))
    missing = shlex.quote(f"{name} is not installed in {root}; {_AFTER_MOVE}")
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
