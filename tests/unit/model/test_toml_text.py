"""TOML text as values, and what is said about text that is none."""

from __future__ import annotations

import pytest

from venvstacks.model.toml_text import TomlError, parse_toml


def test_a_document() -> None:
    assert parse_toml('a = 1\n[b]\nc = ["d"]\n') == {"a": 1, "b": {"c": ["d"]}}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = 1\nb 2\n", 2, "not valid TOML: expected '=' after a key"),
        ("a = 1\nb = [1,\n", 2, "not valid TOML: "),
        ("\n\na = " + "9" * 5000, 3, "it holds a number with too many digits"),
        ("a = " + "[" * 10_000 + "]" * 10_000, None, "its arrays and tables are nested too deeply"),
        ("a = " + "{ a = " * 10_000 + "1" + " }" * 10_000, None, "its arrays and tables are nested too deeply"),
    ],
)
def test_text_that_is_none(text: str, line: int | None, message: str) -> None:
    with pytest.raises(TomlError) as caught:
        parse_toml(text)
    assert str(caught.value).startswith(message)
    assert caught.value.line == line
