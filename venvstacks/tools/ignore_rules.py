"""Rules of gitignore(5): parsed from a file's bytes, asked about one path at a time.

The caller walks from the top down and never enters an ignored folder, as git does; so a rule only has to decide about
exactly the path that it is asked about, never about paths below it. Everything is bytes, because git's `?` is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"

_CLASSES = {
    b"alnum": b"a-zA-Z0-9", b"alpha": b"a-zA-Z", b"blank": rb" \t", b"cntrl": rb"\x00-\x1f\x7f", b"digit": b"0-9",
    b"graph": rb"\x21-\x7e", b"lower": b"a-z", b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e", b"space": rb" \t\n\r\f\v", b"upper": b"A-Z",
    b"xdigit": b"0-9a-fA-F",
}  # fmt: skip

# What follows the opening bracket: negation, then members (the first may be a bracket), then the closing one.
_BRACKET = re.compile(rb"([!^]?)((?:\[:\w*:\]|\\.|[^\\])(?:\[:\w*:\]|\\.|[^\\\]])*)\]", re.DOTALL)
_MEMBER = re.compile(rb"\[:(?P<name>\w*):\]|(?P<first>\\.|[^\\])-(?P<last>\\.|[^\\])|(?P<one>\\.|[^\\])", re.DOTALL)
_PADDED = re.compile(rb"((?:\\.|[^\\])*?) *", re.DOTALL)  # an escaped space at the end belongs to the pattern
_NEVER = rb"(?!)"


@dataclass(frozen=True)
class Rule:
    """One line of an ignore file.

    Attributes:
        pattern: What the path, or the last part of its name, has to match as a whole.
        ignores: Whether matching paths are ignored; False for a `!` rule, which takes them back.
        folders_only: Whether it says anything about folders only.
        by_name: Whether the last part of a path is matched, else the path relative to the ignore file.
    """

    pattern: re.Pattern[bytes]
    ignores: bool
    folders_only: bool
    by_name: bool


def parse_rules(data: bytes) -> tuple[Rule, ...]:
    """The rules in the content of an ignore file; blank lines and comments have none."""
    rules = (_parse_line(line.removesuffix(b"\r")) for line in data.removeprefix(_BOM).split(b"\n"))
    return tuple(rule for rule in rules if rule)


def verdict(rules: Sequence[Rule], path: bytes, *, is_folder: bool) -> bool | None:
    """Whether the last rule that matches `path` ignores it; None where no rule matches.

    Args:
        rules: The rules of one file.
        path: Relative to the folder of that file, with forward slashes.
        is_folder: Whether the path is a folder; a symbolic link is none.
    """
    name = path.rpartition(b"/")[2]
    for rule in reversed(rules):
        if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(name if rule.by_name else path):
            return rule.ignores
    return None


def _parse_line(line: bytes) -> Rule | None:
    if line.startswith(b"#"):
        return None
    unpadded = _PADDED.fullmatch(line)
    line = unpadded[1] if unpadded else line
    ignores = not line.startswith(b"!")
    text = line if ignores else line[1:]
    folders_only = text.endswith(b"/")
    text = text.removesuffix(b"/")
    if not text:
        return None
    by_name = b"/" not in text
    text = text.removeprefix(b"/")
    # git compares the text before the first wildcard by itself; the rest is a pattern that begins there.
    literal = re.match(rb"[^*?\[\\]*", text)
    plain = literal[0] if literal else b""
    return Rule(
        re.compile(re.escape(plain) + _translate(text[len(plain) :]), re.DOTALL), ignores, folders_only, by_name
    )


_STAR, _DEEP = b"*", b"**/"
"""Parts of a pattern that match any number of characters, within a folder's name and over folders."""


def _translate(glob: bytes) -> bytes:
    """A regular expression for a wildcard pattern in which a star stops at slashes and `**` may not.

    It never tries again what cannot help, so that no pattern takes exponential time (git's own code is as careful).
    What follows a star is taken where it first occurs: a later star can match the rest. The same holds for the
    parts between `**/`, as each covers a fixed number of folders. Only the last star, and the last `**/`, have to try
    more than once to reach the end of the path. Atomic groups, `(?>...)`, say that.
    """
    stretches: list[list[bytes]] = [[]]
    for part in _parts(glob):
        if part == _DEEP:
            stretches.append([])
        else:
            stretches[-1].append(part)
    *inner, last = stretches
    found = b"".join(b"(?>" + (_ANY_FOLDERS if place else b"") + _stretch(x) + b")" for place, x in enumerate(inner))
    return found + (_ANY_FOLDERS if inner else b"") + _stretch(last, is_last=True)


_ANY_FOLDERS = b"(?:.*?/)??"


def _stretch(parts: Sequence[bytes], *, is_last: bool = False) -> bytes:
    """The regular expression for the part between two `**/`."""
    chunks = [b""]
    for part in parts:
        if part == _STAR:
            chunks.append(b"")
        else:
            chunks[-1] += part
    first, *rest = chunks
    if not rest:
        return first
    end = b"[^/]*" + rest[-1] if is_last else b"(?>[^/]*?" + rest[-1] + b")"
    return first + b"".join(b"(?>[^/]*?" + chunk + b")" for chunk in rest[:-1]) + end


def _parts(glob: bytes) -> Iterator[bytes]:
    """Regular expressions for single characters, and `_STAR` and `_DEEP`."""
    place = 0
    while place < len(glob):
        character = glob[place : place + 1]
        if character == b"*":
            piece, place = _translate_stars(glob, place)
        elif character == b"[":
            piece, place = _translate_bracket(glob, place + 1)
        elif character == b"\\":
            piece, place = re.escape(glob[place + 1 : place + 2]) or _NEVER, place + 2
        else:
            piece, place = b"[^/]" if character == b"?" else re.escape(character), place + 1
        yield piece


def _translate_stars(glob: bytes, start: int) -> tuple[bytes, int]:
    end = start
    while glob[end : end + 1] == b"*":
        end += 1
    alone = end - start >= 2 and glob[start - 1 : start] in {b"", b"/"} and glob[end : end + 1] in {b"", b"/"}
    if not alone:
        return _STAR, end
    return (_DEEP, end + 1) if end < len(glob) else (b".*", end)


def _translate_bracket(glob: bytes, start: int) -> tuple[bytes, int]:
    match = _BRACKET.match(glob, start)
    if match is None:
        return _NEVER, len(glob)  # no closing bracket: git lets such a pattern match nothing
    members = b""
    for member in _MEMBER.finditer(match[2]):
        if member["name"] is not None:
            if member["name"] not in _CLASSES:
                return _NEVER, len(glob)
            members += _CLASSES[member["name"]]
        elif member["one"]:
            members += re.escape(member["one"][-1:])
        else:
            first, last = member["first"][-1:], member["last"][-1:]
            members += re.escape(first) + b"-" + re.escape(last) if first <= last else b""
    if not members:
        return (rb"[^/]" if match[1] else _NEVER), match.end()
    return (rb"(?!/)[" + (b"^" if match[1] else b"") + members + b"]"), match.end()
