"""Text from files and servers, made safe for a terminal: control sequences are shown, not carried out."""

from __future__ import annotations

import re

# C0 controls except tab and line break, DEL, C1 controls, and the signs that reorder text or hide parts of it
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""`text` with every character that a terminal acts on as an escape, such as `\x1b`."""
    return _ACTING.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def printable_json(text: str) -> str:
    r"""JSON text with such characters as JSON escapes, such as `\u001b`: the same value."""
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
