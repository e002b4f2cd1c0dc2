"""Releases are ordered as the library that defines their order does."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from venvstacks.deployment.release_order import order

NUMBERS = st.sampled_from(["0", "1", "2", "10"])
RELEASES = st.builds(
    lambda *parts: str(Version("".join(parts))),
    st.sampled_from(["", "1!"]),
    st.lists(NUMBERS, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["", "a1", "b0", "rc2", "rc10"]),
    st.sampled_from(["", ".post0", ".post3"]),
    st.sampled_from(["", ".dev0", ".dev20261128120000"]),
)


@given(RELEASES, RELEASES)
def test_the_order_is_that_of_packaging(one: str, other: str) -> None:
    assert (order(one) < order(other)) == (Version(one) < Version(other))
    assert (order(one) == order(other)) == (Version(one) == Version(other))


def test_each_kind_of_release_has_its_place() -> None:
    rising = [
        "0.dev1",
        "0",
        "1.dev1",
        "1a1.dev1",
        "1a1",
        "1a1.post1",
        "1b1",
        "1rc1",
        "1",
        "1.post1.dev1",
        "1.post1",
        "1.0.1",
        "1.10",
        "1!0",
    ]
    assert all(order(one) < order(other) for one, other in pairwise(rising))
    assert order("1") == order("1.0.0")


@pytest.mark.parametrize("text", ["", "v1", "1.0-1", "1+x", "latest", "1" * 201, "1\n"])
def test_only_the_normal_form_has_an_order(text: str) -> None:
    with pytest.raises(ValueError, match="normal form of PEP 440"):
        order(text)
