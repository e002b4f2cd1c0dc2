"""Suggestions for misspelt names."""

from __future__ import annotations

import pytest

from venvstacks.suggestions import suggestion


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lock:scipi", "did you mean 'lock:scipy'?"),
        ("frog", "nothing like it"),
        ("", "nothing like it"),
        ("x" * 100_000, "nothing like it"),
    ],
)
def test_the_nearest_name_is_suggested_or_what_else_to_say(name: str, said: str) -> None:
    assert suggestion(name, ["lock:scipy", "build:torch"], otherwise="nothing like it") == said
