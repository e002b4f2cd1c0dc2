"""Errors that Windows reports where other systems have none."""

from __future__ import annotations


def error_in_use(code: int | None, name: str = "C:\\pond\\frog.dll") -> PermissionError:
    """The error of a file that another program has open; 32 is the usual code, `open` gives None."""
    error = PermissionError(13, "the process cannot access the file", name)
    error.winerror = code  # type: ignore[attr-defined,unused-ignore]
    return error
