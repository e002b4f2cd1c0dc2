"""The glibc that a copied Python needs, compared with the one that its layer promises and the one of a machine."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NEEDED = re.compile(r"needs glibc (\d+)\.(\d+) or newer")


def needs_glibc(version: str) -> str:
    """The sentence of a runtime's notes that names the oldest glibc that it runs on."""
    return f"needs glibc {version} or newer"


def needed_glibc(notes: Iterable[str]) -> str | None:
    """The oldest glibc that a runtime runs on, by its notes; None if they name none."""
    return next((f"{found[1]}.{found[2]}" for note in notes if (found := _NEEDED.fullmatch(note))), None)


def broken_promise(notes: Iterable[str], promised: str) -> str | None:
    """A sentence about a runtime that needs a newer glibc than its layer promises, with what to do; None if it fits.

    Args:
        notes: The runtime's notes.
        promised: The oldest glibc that the layer is meant for, `X.Y`.
    """
    needed = needed_glibc(notes)
    if needed is None or not _is_newer(needed, promised):
        return None
    return (
        f"its Python needs glibc {needed}, and the layer is meant for {promised} on: take the provider `standalone`, "
        f'build on an older system, or write linux_target = "glibc@{needed}"'
    )


def missing_glibc(notes: Iterable[str], present: str) -> str | None:
    """A sentence about a runtime that needs a newer glibc than a machine has; None if it fits.

    Args:
        notes: The runtime's notes.
        present: The machine's glibc, `X.Y`; empty if it is not known.
    """
    needed = needed_glibc(notes)
    if needed is None or not present or not _is_newer(needed, present):
        return None
    return f"needs glibc {needed}, and this machine has {present}: it will probably not start"


def _is_newer(one: str, other: str) -> bool:
    return tuple(map(int, one.split("."))) > tuple(map(int, other.split(".")))
