"""What the command line prints: no secrets of URLs, and control sequences are shown, not carried out.

Names, paths and messages come from files, servers and other programs, which may have been damaged or forged. So every
command prints through the functions of this module.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TextIO

from venvstacks.urls import without_secrets

# C0 controls except tab and line break, DEL, C1 controls, and the signs that reorder text or hide parts of it
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_NARROWEST = 30  # columns
_ASCII_LINES = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-"})


def printable(text: str) -> str:
    r"""`text` as people may see it: each character that a terminal acts on is an escape such as `\x1b`."""
    return _ACTING.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), without_secrets(text))


def printable_json(value: object, *, sort_keys: bool = False) -> str:
    r"""JSON text of a value; such characters, and those that an output could not encode, are escapes like `\u001b`."""
    return json.dumps(_without_secrets(value), indent=2, sort_keys=sort_keys).replace("\x7f", "\\u007f")


def _without_secrets(value: object) -> object:
    """A JSON value with `without_secrets` applied to each text in it."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {_without_secrets(key): _without_secrets(item) for key, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, (list, tuple)) else value


def fitted(text: str, stream: TextIO) -> str:
    """`text` with long lines continued, at words, on indented ones; as it is where the stream is no terminal."""
    if not stream.isatty():
        return text
    import shutil  # noqa: PLC0415 - for terminals alone
    import textwrap  # noqa: PLC0415

    columns = shutil.get_terminal_size().columns
    wrapper = textwrap.TextWrapper(
        max(_NARROWEST, columns), subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    lines = (wrapper.wrap(line) if len(line) > columns else [line] for line in text.split("\n"))
    return "\n".join(part for line in lines for part in line)


def print_result(text: str) -> None:
    """Print what a command was asked for on standard output."""
    print(drawn(printable(text), sys.stdout.encoding or "ascii"))


def drawn(text: str, encoding: str) -> str:
    """`text` with the lines of trees in ASCII if `encoding` has no signs for them, as that of a pipe on Windows."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII_LINES)
    return text


def print_json(value: object, *, sort_keys: bool = False) -> None:
    """Print what a command was asked for on standard output, as JSON."""
    print(printable_json(value, sort_keys=sort_keys))


def print_message(text: str, stream: TextIO | None = None) -> None:
    """Print a line about the work, at once.

    Args:
        text: The line.
        stream: Where to; None for standard error.
    """
    from venvstacks.cli.colours import coloured  # noqa: PLC0415 - the answer to --version does not need it

    place = stream or sys.stderr
    print(coloured(printable(text), place), file=place, flush=True)
