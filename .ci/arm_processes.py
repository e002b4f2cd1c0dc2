"""Starts programs for ARM through qemu, for a Python that runs under qemu itself: its kernel knows no such programs.

Installed as `sitecustomize` of the Python that runs the command line.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_EMULATOR = os.environ["EMULATOR"].split("\n")
_ELF_FOR_ARM = (b"\x7fELF", b"\xb7\x00")

_start, _execvpe = subprocess.Popen.__init__, os.execvpe


def _emulated(command: Sequence[Any], environment: Mapping[str, str] | None) -> list[str]:
    """The command as this machine's kernel can start it."""
    program, *arguments = map(os.fspath, command)
    found = shutil.which(program, path=(environment or os.environ).get("PATH"))
    if found is None:
        return [program, *arguments]
    with pathlib.Path(found).open("rb") as stream:
        head = stream.read(20)
    is_for_arm = (head[:4], head[18:]) == _ELF_FOR_ARM
    for place, argument in enumerate(arguments):
        if os.path.basename(argument) == "confine.py":  # a program that starts the rest of the command
            arguments[place + 2 :] = _emulated(arguments[place + 2 :], environment)
            break
    return [*_EMULATOR, found, *arguments] if is_for_arm else [program, *arguments]


def _popen(self: subprocess.Popen[Any], args: Sequence[Any], *further: Any, **settings: Any) -> None:
    _start(self, _emulated(args, settings.get("env")), *further, **settings)


def _become(file: str, args: Sequence[Any], env: Mapping[str, str]) -> None:
    command = _emulated([file, *args[1:]], env)
    _execvpe(command[0], command, env)


subprocess.Popen.__init__ = _popen  # type: ignore[method-assign]
os.execvpe = _become  # type: ignore[assignment]
sys.executable = os.environ["EMULATED_PYTHON"]  # what uv asks for facts about it
os.execv = lambda path, args: _become(path, args, os.environ)  # type: ignore[assignment]
