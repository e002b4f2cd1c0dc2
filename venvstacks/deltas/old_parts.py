"""Which part of an old file each window of a new file is patched from. Exact searches: the same result everywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from venvstacks.deltas.delta_index import OLD_PART, WINDOW

_REACH = WINDOW // 4  # bytes before and after the place where a window is found: more saved nothing, and took longer
_SAMPLES = 16
_SAMPLE = 48  # bytes
_VARIED = 12  # different bytes that a sample needs: runs of zeros are found everywhere
_FAR = 8 * WINDOW  # how far from the expected place a sample is searched for
_ROUND = 16  # bits: nearby places count as one


class Searchable(Protocol):
    """The bytes of a file; a memory map or `bytes`."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...
    def find(self, wanted: bytes, start: int, end: int, /) -> int:
        """The first place of `wanted` between `start` and `end`, or -1."""


def old_parts(old: Searchable, new: Searchable) -> Iterator[tuple[int, int]]:
    """For each window of `new`: the first byte of the part of `old`, and the byte after its last one.

    Where something was inserted or removed, later windows are found by samples of their bytes.
    """
    if len(old) <= OLD_PART and len(new) <= WINDOW:
        yield 0, len(old)
        return
    shift = 0
    for begin in range(0, len(new), WINDOW):
        end = min(begin + WINDOW, len(new))
        shift = _shift(old, new, (begin, end), shift)
        first = min(max(0, begin + shift - _REACH), max(0, len(old) - WINDOW))
        yield first, max(first, min(len(old), begin + shift + WINDOW + _REACH))


def _shift(old: Searchable, new: Searchable, window: tuple[int, int], expected: int) -> int:
    """How much later the bytes of a window are in the old file, by a majority of samples; `expected` without any."""
    begin, end = window
    votes: Counter[int] = Counter()
    for place in range(begin, end - _SAMPLE, max(1, (end - begin) // _SAMPLES)):
        sample = new[place : place + _SAMPLE]
        if len(set(sample)) < _VARIED:
            continue
        found = _nearest(old, sample, place + expected)
        if found is not None:
            votes[(found - place) >> _ROUND] += 1
    if not votes:
        return expected
    best = min(votes.items(), key=lambda vote: (-vote[1], abs(vote[0]), vote[0]))[0]
    return best << _ROUND


def _nearest(old: Searchable, sample: bytes, guess: int) -> int | None:
    for reach in (_REACH, _FAR):
        found = old.find(sample, max(0, guess - reach), max(0, guess + reach))
        if found >= 0:
            return found
    return None
