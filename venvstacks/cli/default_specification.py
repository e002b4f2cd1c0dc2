"""The stack specification of commands that were given none: in this folder or above it, as with git, cargo and uv."""

from __future__ import annotations

import os
from pathlib import Path

from venvstacks.errors import UsageError

NAME = "venvstacks.toml"


def with_specification(arguments: list[str], positional: list[str], wanted: int) -> list[str]:
    """The arguments of a command, with the specification before them if it was left out.

    Args:
        arguments: All of them, options included.
        positional: The values among them that are no options.
        wanted: How many such values the command takes; the specification is the first.

    Raises:
        UsageError: It was left out, and there is none.
    """
    if positional and (wanted == 1 or _is_specification(positional[0])):
        return arguments
    return [find_specification(), *arguments]


def _is_specification(text: str) -> bool:
    return text.endswith(".toml") or Path(text).is_file()


def nearest_specification() -> Path | None:
    """The specification in this folder, or in the nearest one above it that has one."""
    here = Path.cwd()
    return next((folder / NAME for folder in (here, *here.parents) if (folder / NAME).is_file()), None)


def find_specification() -> str:
    """The path of the nearest specification, relative to this folder.

    Raises:
        UsageError: There is none.
    """
    if found := nearest_specification():
        return os.path.relpath(found, Path.cwd())
    raise UsageError(
        f"there is no {NAME} in this folder or above it",
        hint="name the specification, or let `venvstacks init` write one",
    )
