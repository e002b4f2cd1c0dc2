"""The TOML parser for all files that people write, with its errors."""

from __future__ import annotations

import re
import tomllib
from typing import Any

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


class TomlError(ValueError):
    """Text that is not TOML; the message says what is wrong, without the place.

    Attributes:
        line: The line, counted from 1, or None where the parser gives none.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def parse_toml(text: str) -> dict[str, Any]:
    """The document in `text`.

    Raises:
        TomlError: It is not valid TOML, or it asks for more than the parser can hold.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        where = _PLACE.search(message)
        clean = message.replace(where[0], "") if where else message
        line = int(where[1]) if where and where[1] else len(text.splitlines())
        raise TomlError(f"not valid TOML: {clean[:1].lower()}{clean[1:]}", line) from None
    except RecursionError:
        raise TomlError("its arrays and tables are nested too deeply") from None
    except ValueError:  # Python's limit for the digits of an integer; it says nothing about the place
        raise TomlError("it holds a number with too many digits", _line_of_long_number(text)) from None


def _line_of_long_number(text: str) -> int | None:
    found = re.search(r"[0-9_]{4000,}", text)
    return text.count("\n", 0, found.start()) + 1 if found else None
