from __future__ import annotations

import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.model.positions import KeyPath, find_positions

NASTY = {
    "an array of tables": ("[[a]]\nx = 1\n\n[[a]]\nx = 2\n", {("a", 0): 1, ("a", 1): 4, ("a", 1, "x"): 5}),
    "tables below elements": (
        "[[a]]\n[a.t]\nx = 1\n[[a.b]]\n[[a.b]]\n[[a]]\n[[a.b]]\n",
        {("a", 0, "t", "x"): 3, ("a", 0, "b", 1): 5, ("a", 1): 6, ("a", 1, "b", 0): 7},
    ),
    "dotted keys": ("a.b.c = 1\na.b . d = 2\n", {("a",): 1, ("a", "b", "c"): 1, ("a", "b", "d"): 2}),
    "quoted keys": (
        '"a.b" = 1\n\'c = d\'."# e" = 2\n"\\u0066" = 3\n["[g]"]\nh = 4\n',
        {("a.b",): 1, ("c = d", "# e"): 2, ("f",): 3, ("[g]",): 4, ("[g]", "h"): 5},
    ),
    "a list over lines": ("a = [\n  1,\n\n  2, 3,\n]\nb = 1\n", {("a", 0): 2, ("a", 1): 4, ("a", 2): 4, ("b",): 6}),
    "brackets in comments": (
        'a = [ # ], [\n  "x", # ] "\n  # "y",\n  "z" # }\n  ,\n]\nb = 1 # [[c]]\n[d] # [e]\n',
        {("a", 0): 2, ("a", 1): 4, ("b",): 7, ("d",): 8},
    ),
    "brackets in strings": ('a = ["]", \'[\', "\\"]"]\nb = "[c]"\n', {("a", 0): 1, ("a", 2): 1, ("b",): 2}),
    "strings over lines": (
        'a = """\n[x]\nb = 1\n\\""" ""\n"""\nc = \'\'\'\n[y]\n"""\'\'\'\nd = """q"""""\ne = 1\n',
        {("a",): 1, ("c",): 6, ("d",): 9, ("e",): 10},
    ),
    "strings over lines in lists": ('a = ["""\n,]\n""", \'\'\'\n#\'\'\',\n"x"]\nb = 1\n', {("a", 1): 3, ("a", 2): 5}),
    "inline tables": (
        'a = { b = "}", c = [1, 2], d = { e = "," } }\nf = [\n  { x = 1 },\n  { x = "]" },\n]\n',
        {("a",): 1, ("f", 0): 3, ("f", 1): 4},
    ),
    "lists in lists": ("a = [\n [1,\n  2],\n [3]]\nb = 1\n", {("a", 0): 2, ("a", 1): 4, ("b",): 5}),
    "empty values": ('a = []\nb = {}\nc = ""\nd = \'\'\ne = """"""\nf = 1', {("b",): 2, ("d",): 4, ("f",): 6}),
    "Windows line ends": ("[[a]]\r\nx = [\r\n  1, # y\r\n  2,\r\n]\r\nz = 1", {("a", 0, "x", 1): 4, ("a", 0, "z"): 6}),
    "dates, times, numbers": ("a = 1979-05-27 07:32:00Z\nb = 07:32:00\nc = -1e+6\nd = inf\n", {("b",): 2, ("d",): 4}),
    "nothing but a comment": ("# a = 1", {}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), NASTY.values(), ids=list(NASTY))
def test_nasty_documents(text: str, expected: dict[KeyPath, int]) -> None:
    tomllib.loads(text)
    found = find_positions(text)
    assert {path: found.get(path) for path in expected} == expected


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=6)
SCALARS = st.one_of(st.integers(), st.booleans(), st.text(st.characters(exclude_categories=["Cs"])), st.dates())
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


def value_at(document: Any, path: KeyPath) -> Any:
    for part in path:
        document = document[part]
    return document


@given(document=DOCUMENTS, multiline=st.booleans())
def test_every_position_is_that_of_an_existing_value(document: dict[str, Any], *, multiline: bool) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline)
    lines = text.count("\n") + 1
    for path, line in find_positions(text).items():
        value_at(tomllib.loads(text), path)
        assert 1 <= line <= lines


@given(document=DOCUMENTS, multiline=st.booleans())
def test_every_key_at_the_top_has_a_position(document: dict[str, Any], *, multiline: bool) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline)
    assert {path[0] for path in find_positions(text)} == set(tomllib.loads(text))


@given(st.lists(st.tuples(st.text("abc[]#\"'\\\n, ", max_size=8), st.integers(0, 3)), min_size=1, max_size=6))
def test_list_elements_stand_where_they_were_written(elements: list[tuple[str, int]]) -> None:
    text, expected = "x = [", []
    for value, blank_lines in elements:
        text += "\n" * blank_lines + "# ] ,\n"
        expected.append(text.count("\n") + 1)
        text += tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n") + ","
    found = find_positions(text + "]\nlast = 1\n")
    assert [found["x", index] for index in range(len(elements))] == expected
    assert found["last",] == expected[-1] + 1
