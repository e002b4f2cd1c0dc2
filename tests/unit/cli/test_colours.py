from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from venvstacks.cli.colours import Colour, choose, coloured, has_colours


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    yield
    choose(Colour.AUTO)


def test_only_the_words_that_begin_lines_are_coloured_on_a_terminal() -> None:
    text = "error: no frog: here\nhint: look at error: x"
    assert coloured(text, Terminal()) == "\x1b[1;31merror:\x1b[0m no frog: here\n\x1b[36mhint:\x1b[0m look at error: x"
    assert coloured(text, io.StringIO()) == text


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_the_environment_may_forbid_it(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert not has_colours(Terminal())
    choose(Colour.ALWAYS)
    assert has_colours(Terminal())
    assert has_colours(io.StringIO())


def test_the_command_line_may_forbid_it() -> None:
    choose(Colour.NEVER)
    assert not has_colours(Terminal())
