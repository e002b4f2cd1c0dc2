"""Forms of JSON data: what has the form is a value, and a fault is a sentence with its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from venvstacks.json_forms import (
    FormError,
    array,
    digest,
    mapping,
    moment,
    moment_text,
    number,
    one_of,
    optional,
    parse,
    record,
    row,
    table,
    text,
    whole,
)


@dataclass(frozen=True)
class Frog:
    name: str
    legs: int = 4
    ponds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.legs % 2:
            raise ValueError("it would limp")


FROG = record(Frog, "versioned", name=text, legs=whole(0, 8), ponds=array(text))


def test_values_of_a_form() -> None:
    data = '{"format": 1, "name": "\\ud83d\\udc38 é", "ponds": ["a", "b"]}'.encode()
    assert parse(data, FROG) == Frog("🐸 é", 4, ("a", "b"))
    assert parse(b'{"name": "x"}', FROG) == Frog("x")
    assert parse(b'{"1": [0, "y"]}', mapping(row(whole(), text), number)) == {1: (0, "y")}
    assert parse(b"[null, 1]", array(optional(one_of(1, 2)))) == (None, 1)
    assert parse(b'{"a": 1, "more": 2}', table({"a": whole()}, (), ignore_unknown=True)) == {"a": 1}


@pytest.mark.parametrize("written", ["2026-11-28T12:00:00Z", "2026-11-28T13:00:00+01:00"])
def test_times_have_a_zone(written: str) -> None:
    assert moment(written) == datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert moment_text(moment(written)) == "2026-11-28T12:00:00Z"


@pytest.mark.parametrize(
    ("data", "form", "says"),
    [
        (b"", FROG, "^it is not valid JSON"),
        (b"\xff", FROG, "^it is not valid JSON"),
        ('"x"'.encode("utf-16"), text, "^it is not valid JSON"),
        (b"[" * 100_000, FROG, "^it is not valid JSON"),
        (b'"\\ud800"', text, "^it is not valid JSON"),
        (b"NaN", text, "NaN is no number"),
        (b"[]", FROG, "^must be a table$"),
        (b"{}", FROG, "^name: this key is required$"),
        (b'{"format": 2, "name": 1}', FROG, "^format: 2 is not 1$"),
        (b'{"format": true, "name": "x"}', FROG, "^format: True is not 1$"),
        (b'{"format": 1, "name": "x", "a": 1}', FROG, "^a: unknown key$"),
        (b'{"name": "x", "legs": 3}', FROG, "^it would limp$"),
        (b'{"name": "x", "legs": true}', FROG, "^legs: must be a whole number$"),
        (b'{"name": "x", "legs": 4.0}', FROG, "^legs: must be a whole number$"),
        (b'{"name": "x", "legs": -1}', FROG, "^legs: must be at least 0$"),
        (b'{"name": "x", "legs": 9}', FROG, "^legs: must be at most 8$"),
        (b'{"name": "x", "ponds": ["a", 1]}', FROG, r"^ponds\.1: must be a string$"),
        (b'{"name": "x", "ponds": {}}', FROG, "^ponds: must be an array$"),
        (b"[1]", row(whole(), text), "must be an array of 2 values"),
        (b"[1, 2]", row(whole(), text), "1: must be a string"),
        (b'{"a": 1}', mapping(text), "^a: must be a string$"),
        (b'{"x": 1}', mapping(whole(), number), "^x: must be a whole number$"),
        (b'"ABC"', digest, "must be a SHA-256"),
        (b'"2026"', moment, "must be a time"),
        (b'"2026-11-28T12:00:00"', moment, "with a zone"),
        (b"true", one_of(1), "True is not one of 1"),
    ],
)
def test_what_has_another_form(data: bytes, form: Any, says: str) -> None:
    with pytest.raises(FormError, match=says):
        parse(data, form)


def test_what_another_version_may_have_written() -> None:
    for data in (b'{"name": "x", "later": 1}', b'{"format": 2}'):
        with pytest.raises(FormError) as caught:
            parse(data, array(FROG) if data[:1] == b"[" else FROG)
        assert caught.value.is_foreign
