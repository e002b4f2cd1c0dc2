"""Colours of what commands print: whether there are any, and those of the words that begin errors and hints."""

from __future__ import annotations

import os
import re
from enum import Enum
from typing import TextIO

_CODES = {"error": "1;31", "warning": "1;33", "hint": "36", "note": "36"}
_HEAD = re.compile(rf"^({'|'.join(_CODES)}):", re.MULTILINE)


class Colour(str, Enum):  # noqa: UP042 - also for Pythons that deploy, from 3.9 on
    """When there are colours; `auto` is on a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"

    __str__ = str.__str__  # its value, as with StrEnum


_chosen = [Colour.AUTO]  # of this process, from its command line


def choose(when: Colour) -> None:
    """Keep what the command line says."""
    _chosen[0] = when


def has_colours(stream: TextIO) -> bool:
    """Whether what goes to a stream is coloured. `FORCE_COLOR` does not count: CI systems set it for all programs."""
    if _chosen[0] is not Colour.AUTO:
        return _chosen[0] is Colour.ALWAYS
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str, stream: TextIO) -> str:
    """`text` with the words that begin errors, warnings, hints and notes in colour, where the stream has colours."""
    return _HEAD.sub(lambda found: f"\x1b[{_CODES[found[1]]}m{found[0]}\x1b[0m", text) if has_colours(stream) else text
