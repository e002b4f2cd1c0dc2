"""Hints for locks that cannot be written, and for the files that uv needs to resolve them."""

from __future__ import annotations

from pathlib import Path

from venvstacks.tools.write_hints import WriteHints


def hint_for(error: OSError, folder: Path) -> str:
    """What to do about a failure to write into `folder`, or to create it."""
    hints = WriteHints(
        full=f"free some space on the disk of {folder}, and run the same command again",
        refused=f"make {folder} writable, and run the same command again",
        in_the_way=f"move the file that is where a folder is needed: {folder}, or one above it",
        otherwise=f"check {folder}, and run the same command again",
    )
    return hints.for_error(error)
