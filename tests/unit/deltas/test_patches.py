"""Patches of one window: how small they are where little changes between two builds of a library."""

from __future__ import annotations

import random

from venvstacks.archives.zstd_frames import Prefix
from venvstacks.deltas.patches import apply_patch, make_patch

_EVERY = 40  # bytes: how far apart addresses that change are


def test_short_matches_at_the_other_end_of_a_large_old_part_are_found() -> None:
    old = random.Random(1).randbytes(12 << 20)
    changed = bytearray(old[: 1 << 18])
    for place in range(0, len(changed), _EVERY):
        changed[place] ^= 1
    new = bytes(changed)
    patch = make_patch(old, new)
    assert len(patch) < len(new) // 20
    assert apply_patch(Prefix(old), patch, len(new)) == new
