"""How much is said on standard error: what stands before the command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verbosity:
    """How much is said on standard error."""

    quiet: bool = False
    verbose: bool = False
