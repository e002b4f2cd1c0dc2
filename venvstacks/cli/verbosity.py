"""How much is printed on standard error: the options before the command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verbosity:
    """How much is printed on standard error."""

    quiet: bool = False
    verbose: bool = False
