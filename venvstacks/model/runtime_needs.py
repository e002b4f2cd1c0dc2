"""What a copied Python needs of its system, compared with what its layer promises and with what a machine has.

A runtime's published notes are the only record of its needs, so the sentences are written and read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from venvstacks.model.system_libraries import LINUX_LIBRARIES

_GLIBC = re.compile(r"needs glibc (\d+)\.(\d+) or newer")
_LIBRARIES = "needs these shared libraries of the system: "


def needs_glibc(version: str) -> str:
    """The sentence of a runtime's notes that names the oldest glibc that it runs on."""
    return f"needs glibc {version} or newer"


def needed_glibc(notes: Iterable[str]) -> str | None:
    """The oldest glibc that a runtime runs on, by its notes; None if they name none."""
    return next((f"{found[1]}.{found[2]}" for note in notes if (found := _GLIBC.fullmatch(note))), None)


def needs_libraries(names: Iterable[str]) -> str:
    """The sentence of a runtime's notes that names the shared libraries that the system has to have."""
    return _LIBRARIES + ", ".join(names)


def needed_libraries(notes: Iterable[str]) -> tuple[str, ...]:
    """The shared libraries that a runtime needs and that not every Linux has, by its notes."""
    listed = (note.removeprefix(_LIBRARIES).split(", ") for note in notes if note.startswith(_LIBRARIES))
    return tuple(name for names in listed for name in names if name not in LINUX_LIBRARIES)


def broken_promises(notes: Iterable[str], promised: str) -> Iterator[str]:
    """Sentences about a runtime that does not run on every system that its layer is meant for, with what to do.

    Args:
        notes: The runtime's notes.
        promised: The oldest glibc that the layer is meant for, `X.Y`.
    """
    notes = tuple(notes)
    needed = needed_glibc(notes)
    if needed is not None and _is_newer(needed, promised):
        yield (
            f"its Python needs glibc {needed}, and the layer is meant for {promised} on: take the provider "
            f'`standalone`, build on an older system, or write linux_target = "glibc@{needed}"'
        )
    if libraries := needed_libraries(notes):
        yield (
            f"its Python needs libraries of the system that not every machine has ({', '.join(libraries)}): take the "
            "provider `standalone`, or make sure that the machines have them"
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


def missing_libraries(names: Iterable[str]) -> str:
    """A sentence about libraries that a runtime needs and that were not found on a machine, with what to do."""
    return (
        f"needs libraries of the system that were not found on this machine ({', '.join(names)}): modules that use "
        "them cannot be imported; install them, or publish a Python of the provider `standalone`"
    )


def _is_newer(one: str, other: str) -> bool:
    return tuple(map(int, one.split("."))) > tuple(map(int, other.split(".")))
