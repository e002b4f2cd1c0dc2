"""Wheels that are built from source, in the text of a lock: where they are, and the text without their digests."""

from __future__ import annotations

import re

OWN_WHEELS = "/.venvstacks/wheels/"
"""Part of the paths of wheels that are built from source, in each lock."""


def without_own_digests(text: str) -> str:
    """A lock without sizes and digests of wheels that are built from source: what layers above are resolved with."""
    if OWN_WHEELS not in text:
        return text
    line = rf'^(archive = \{{ path = "[^"]*{re.escape(OWN_WHEELS)}[^"]*").*$'
    return re.sub(line, r"\1", text, flags=re.MULTILINE)
