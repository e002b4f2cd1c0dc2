"""The line of each key and list element in a TOML file, so that faults can name it.

`tomllib` gives no positions. This scanner reads text that `tomllib` has already accepted, so it may rely on the
syntax being right, and only has to find where statements and list elements begin.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property

KeyPath = tuple[str | int, ...]

_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' r"'''.*?'{3,5}|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'",
    re.DOTALL,
)
_BLANK = re.compile(r"(?:\s|#[^\n]*)+")
_BARE_KEY = re.compile("[A-Za-z0-9_-]+[ \t]*")
_KEY = re.compile(r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+|[ \t.])+""")


def find_positions(text: str) -> dict[KeyPath, int]:
    """Line numbers (from 1) of every table, key and list element of a valid TOML document.

    A path is the way to a value in what `tomllib` returns: `("runtimes", 0, "name")` for the name in the first
    `[[runtimes]]`, `("runtimes", 0, "requirements", 2)` for its third requirement. Keys inside inline tables have
    the line of the table.
    """
    return _Scanner(text).scan()


class Positions:
    """The lines of a document, which is read again for them only where a fault or a warning asks for one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._respelt: dict[KeyPath, KeyPath] = {}

    @cached_property
    def _found(self) -> dict[KeyPath, int]:
        return find_positions(self._text)

    def line(self, path: KeyPath) -> int | None:
        """The line of a key path, if it has one."""
        return self._found.get(self._respelt.get(path, path))

    def respell(self, path: KeyPath, key: str) -> None:
        """Let the place of the key at `path` be found under another name of that key, too."""
        self._respelt[*path[:-1], key] = path


@dataclass
class _Scanner:
    text: str
    place: int = 0
    table: KeyPath = ()
    counts: dict[KeyPath, int] = field(default_factory=dict)
    found: dict[KeyPath, int] = field(default_factory=dict)
    _line: int = 1
    _counted: int = 0

    def scan(self) -> dict[KeyPath, int]:
        while self._skip_blank():
            if self.text[self.place] == "[":
                self._read_header()
            else:
                self._read_assignment()
        return self.found

    def _skip_blank(self) -> bool:
        if match := _BLANK.match(self.text, self.place):
            self.place = match.end()
        return self.place < len(self.text)

    def _mark(self, path: KeyPath) -> None:
        self._line += self.text.count("\n", self._counted, self.place)
        self._counted = self.place
        self.found.setdefault(path, self._line)

    def _read_key(self) -> tuple[str, ...]:
        match = _KEY.match(self.text, self.place)
        if match is None:
            raise ValueError("the text is not valid TOML")
        if _BARE_KEY.fullmatch(match[0]):
            self.place = match.end()
            return (match[0].strip(),)
        value: object = tomllib.loads(f"{match[0]} = 0")
        parts = []
        while isinstance(value, dict):
            ((part, value),) = value.items()
            parts.append(part)
        self.place = match.end()
        return tuple(parts)

    def _read_header(self) -> None:
        start, array = self.place, self.text.startswith("[[", self.place)
        self.place += 2 if array else 1
        path = self._resolve(self._read_key())
        end, self.place = self.place + (2 if array else 1), start
        if array:
            index = self.counts[path] = self.counts.get(path, -1) + 1
            self._mark(path)
            path = (*path, index)
        self._mark(path)
        self.table, self.place = path, end

    def _resolve(self, key: tuple[str, ...]) -> KeyPath:
        """A header's key, with the index of the current element after each array of tables on the way."""
        path: KeyPath = ()
        for part in key[:-1]:
            path = (*path, part)
            if path in self.counts:
                path = (*path, self.counts[path])
        return (*path, key[-1])

    def _read_assignment(self) -> None:
        start = self.place
        key = self._read_key()
        end, self.place = self.place, start
        path = (*self.table, *key)
        for length in range(len(self.table) + 1, len(path) + 1):
            self._mark(path[:length])
        self.place = end + 1  # past the equals sign
        self._skip_inline_blank()
        if self.text.startswith("[", self.place):
            self._read_list(path)
        else:
            self._skip_value(closing="\n")

    def _skip_inline_blank(self) -> None:
        while self.text[self.place : self.place + 1] in {" ", "\t"}:
            self.place += 1

    def _read_list(self, path: KeyPath) -> None:
        self.place += 1
        index = 0
        while self._skip_blank() and self.text[self.place] != "]":
            self._mark((*path, index))
            index += 1
            self._skip_value(closing=",]")
            if self.text.startswith(",", self.place):
                self.place += 1
        self.place += 1

    def _skip_value(self, closing: str) -> None:
        """Go on to the first character of `closing` outside strings, comments and brackets."""
        depth = 0
        while self.place < len(self.text):
            character = self.text[self.place]
            if depth == 0 and character in closing:
                return
            if match := _STRING.match(self.text, self.place):
                self.place = match.end()
                continue
            if character == "#":
                newline = self.text.find("\n", self.place)
                self.place = len(self.text) if newline < 0 else newline
                continue
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0)
            self.place += 1
