"""Names in the text of a lock that this program wrote: to read the whole lock takes twenty times as long."""

from __future__ import annotations

import re

CREATOR = "venvstacks"
SHARED = "from_lower_layer"
"""The system that the marker of a shared package names; none has this name."""

_CHOSEN = re.compile(rf'^name = "([^"]+)"\nversion = .*\n(?!marker = "sys_platform == \'{SHARED}\')', re.MULTILINE)


def names_chosen_in(text: str) -> frozenset[str] | None:
    """`LayerLock.chosen_names` of a lock that `format_lock` wrote; None for other locks."""
    return frozenset(_CHOSEN.findall(text)) if f'\ncreated-by = "{CREATOR}"\n' in text else None
