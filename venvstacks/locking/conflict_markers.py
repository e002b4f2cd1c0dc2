"""Files in which a version-control merge left conflict markers: recognise them, and read one side of the merge."""

from __future__ import annotations

import re

_MARKER = re.compile(r"^(<{7} |={7}\r?$|>{7} )", re.MULTILINE)
_VERSION = re.compile(r'"lock_version":\s*([0-9]{1,9})\b')


def has_conflict(text: str) -> bool:
    """Whether a text holds the markers that git and others leave where both sides changed the same lines."""
    return bool(_MARKER.search(text))


def our_side(text: str) -> str:
    """The text as it was on our side before the merge: the first part of each conflict, without the markers."""
    kept: list[str] = []
    keeping = True
    for line in text.splitlines(keepends=True):
        mark = line.rstrip().partition(" ")[0]
        if mark in {"<<<<<<<", ">>>>>>>"}:
            keeping = True
        elif mark in {"|||||||", "======="}:
            keeping = False
        elif keeping:
            kept.append(line)
    return "".join(kept)


def highest_version(text: str) -> int:
    """The highest lock version that damaged lock metadata names on any side; 0 if it names none."""
    return max((int(number) for number in _VERSION.findall(text)), default=0)
