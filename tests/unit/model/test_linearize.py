from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.model.linearize import NoLinearOrderError, linearize

# Declared bases by class, and the order of the last class without itself; None: there is none.
CASES = {
    "nothing below": ({"a": ""}, ""),
    "one chain": ({"a": "", "b": "a", "c": "b"}, "ba"),
    "declared order is kept": ({"a": "", "b": "", "c": "ba"}, "ba"),
    "diamond": ({"a": "", "b": "a", "c": "a", "d": "bc"}, "bca"),
    "a base before its own base": ({"a": "", "b": "a", "c": "ba"}, "ba"),
    "a base after its own base": ({"a": "", "b": "a", "c": "ab"}, None),
    "two options contradict each other": ({"a": "", "b": "", "c": "ab", "d": "ba", "e": "cd"}, None),
    "three layers over shared ones": (
        {"o": "", "a": "o", "b": "o", "c": "o", "d": "o", "e": "o", "k": "abc", "l": "dbe", "m": "da", "z": "klm"},
        "klmdabceo",
    ),
}


def orders_of(bases: dict[str, str]) -> tuple[str, ...]:
    found: dict[str, tuple[str, ...]] = {}
    for name, below in bases.items():
        found[name] = (name, *linearize(tuple(below), [found[base] for base in below]))
    return found[list(bases)[-1]][1:]


@pytest.mark.parametrize(("bases", "expected"), CASES.values(), ids=list(CASES))
def test_orders(bases: dict[str, str], expected: str | None) -> None:
    if expected is None:
        with pytest.raises(NoLinearOrderError):
            orders_of(bases)
    else:
        assert "".join(orders_of(bases)) == expected


def test_what_could_not_be_merged_is_reported() -> None:
    with pytest.raises(NoLinearOrderError, match="a before b; b before a") as caught:
        linearize(("c", "d"), [("c", "a", "b"), ("d", "b", "a")])
    assert [list(order) for order in caught.value.remaining] == [["a", "b"], ["b", "a"]]


@st.composite
def hierarchies(draw: st.DrawFn) -> list[list[int]]:
    """Bases of each class, by number; only earlier classes can be bases."""
    size = draw(st.integers(1, 8))
    return [draw(st.lists(st.integers(0, n - 1), max_size=4, unique=True)) if n else [] for n in range(size)]


@given(hierarchies())
def test_agrees_with_pythons_method_resolution_order(hierarchy: list[list[int]]) -> None:
    classes: list[type] = []
    options: list[tuple[type, ...]] = []
    for number, bases in enumerate(hierarchy):
        below = [classes[base] for base in bases]
        try:
            made = type(f"C{number}", tuple(below), {})
        except TypeError:
            with pytest.raises(NoLinearOrderError):
                linearize(below, [options[base] for base in bases])
            return
        classes.append(made)
        options.append((made, *linearize(below, [options[base] for base in bases])))
        assert (*options[-1], object) == made.__mro__
