"""Suggestions for misspelt names: how similar a name has to be, and how errors word it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean '...'?` with the known name that is nearest to `name`; `otherwise` where none is near."""
    nearest = difflib.get_close_matches(name[:200], list(known), n=1, cutoff=0.5)
    return f"did you mean '{nearest[0]}'?" if nearest else otherwise
