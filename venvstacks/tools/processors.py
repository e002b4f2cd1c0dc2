"""The number of processors that this process may use."""

from __future__ import annotations

import os


def usable_processors() -> int:
    """How many processors this process may use: in a container or under `taskset` fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
