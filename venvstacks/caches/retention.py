"""Which entries of a cache may be removed: those that were not used for too long, and the least recently used ones.

Pure: times and entries are values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from venvstacks.errors import UsageError

REST = 3600.0
"""Seconds after its last use in which an entry is never removed: a run may still be reading it."""

_SIZES = {
    "": 1, "B": 1,
    "K": 10**3, "KB": 10**3, "M": 10**6, "MB": 10**6, "G": 10**9, "GB": 10**9, "T": 10**12, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
_AGES = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@dataclass(frozen=True)
class CacheEntry:
    """One thing that a cache holds, which is removed as a whole.

    Attributes:
        kind: What it is, such as `wheels`; the name of its folder.
        name: Its path in the cache.
        size: Bytes of its files.
        used: When it was last used, in seconds since 1970.
    """

    kind: str
    name: str
    size: int
    used: float


@dataclass(frozen=True)
class Retention:
    """What is kept.

    Attributes:
        most_bytes: Bytes that all entries may have together; None for any number.
        longest: Seconds since its last use after which an entry is removed; None for any time.
    """

    most_bytes: int | None = None
    longest: float | None = None

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Retention:
        """The meaning of `--keep`: sizes such as `20GB` and ages such as `30d`; the smallest of each counts.

        Raises:
            UsageError: A text is neither.
        """
        sizes: list[int] = []
        ages: list[float] = []
        for text in texts:
            found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]*)", text.strip(), re.ASCII)
            number, unit = (float(found[1]), found[2]) if found else (0.0, "?")
            if unit in _AGES:
                ages.append(number * _AGES[unit])
            elif unit.upper() in _SIZES:
                sizes.append(int(number * _SIZES[unit.upper()]))
            else:
                raise UsageError(
                    f"{text!r} is neither a size nor an age",
                    hint="give a size such as 20GB, or an age such as 30d",
                )
        return cls(min(sizes, default=None), min(ages, default=None))

    def surplus(self, entries: Sequence[CacheEntry], now: float) -> list[CacheEntry]:
        """The entries that are to be removed, least recently used first; never one that was used a moment ago."""
        oldest_first = sorted(entries, key=lambda entry: (entry.used, entry.name))
        held = sum(entry.size for entry in entries)
        found = []
        for entry in oldest_first:
            unused = now - entry.used
            too_old = self.longest is not None and unused > self.longest
            too_much = self.most_bytes is not None and held > self.most_bytes
            if unused > REST and (too_old or too_much):
                found.append(entry)
                held -= entry.size
        return found
