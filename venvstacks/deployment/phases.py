"""How far a deploy is: its phases, and what is done of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["checking", "fetching", "unpacking", "compiling"]
"""What a deploy does, one after the other: compare installed layers that it builds on, fetch, write files, compile."""


@dataclass(frozen=True)
class PhaseProgress:
    """How far a phase is.

    Attributes:
        phase: What is being done.
        done: Bytes; source files where `phase` is `compiling`, layers where it is `checking`.
        total: The same when the phase ends. What an earlier deploy has fetched counts in neither.
    """

    phase: Phase
    done: int
    total: int
