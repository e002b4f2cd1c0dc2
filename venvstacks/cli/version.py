"""The answer to `--version`, without loading anything else."""

from __future__ import annotations


def show_version() -> int:
    """Print the version on standard output; the exit code is 0."""
    from importlib.metadata import version  # noqa: PLC0415 - slow, and no other command needs it here

    print(version("venvstacks"))
    return 0
