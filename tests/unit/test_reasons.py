from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.reasons import Reason, compare_settings


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason("never run"), "never run"),
        (Reason("missing output", "x"), "missing output: x"),
        (Reason("changed setting", "uv", "1", "2"), "changed setting: uv: 1 -> 2"),
        (Reason("changed setting", "uv", None, "2"), "changed setting: uv: nothing -> 2"),
        (Reason("changed setting", "uv", "1"), "changed setting: uv: 1 -> nothing"),
    ],
)
def test_reasons_read_as_one_line(reason: Reason, text: str) -> None:
    assert str(reason) == text


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["changed setting: a: 1 -> 2"]),
        ({"a": True}, {"a": False}, ["changed setting: a: true -> false"]),
        ({}, {"a": None}, ["changed setting: a"]),
        ({"a": "x"}, {}, ["changed setting: a: x -> nothing"]),
        ({"t": {"a": 1, "b": 2}}, {"t": {"a": 1, "b": 3}}, ["changed setting: t.b: 2 -> 3"]),
        ({"r": ["numpy", "scipy"]}, {"r": ["numpy"]}, ["changed setting: r: scipy -> nothing"]),
        ({"r": ["numpy<2"]}, {"r": ["numpy"]}, ["changed setting: r: numpy<2 -> numpy"]),
        ({"r": ["a", "b"]}, {"r": ["b", "a"]}, ["changed setting: r: a, b -> b, a"]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["changed setting: a: 1 -> 2", "changed setting: b: 1 -> 2"]),
    ],
)
def test_settings_are_compared_key_by_key(old: dict[str, object], new: dict[str, object], expected: list[str]) -> None:
    assert [str(reason) for reason in compare_settings(old, new)] == expected


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
tables = st.dictionaries(st.text(max_size=2), values, max_size=4)


@given(tables, tables)
def test_there_is_a_reason_exactly_where_something_differs(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert bool(compare_settings(old, new)) == (old != new)
