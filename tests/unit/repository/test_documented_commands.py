"""The documentation names commands and options that exist, and shows specifications that are valid."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tests.support.specifications import stack_of
from venvstacks.cli.app import COMMANDS, common_options_first, make_app
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.surroundings import ChosenPython

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^ *```(?:console|bash)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPECIFICATION = re.compile(r'^```toml title="venvstacks.toml"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def commands_in(text: str) -> Iterator[str]:
    """The commands of this program in blocks of shell, without comments and redirections."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.strip().removeprefix("$ ").split(" && "):
                if part.startswith("venvstacks "):
                    words = shlex.split(part, comments=True)
                    end = next((place for place, word in enumerate(words) if word in {">", "|", ">>"}), len(words))
                    yield shlex.join(words[1:end])


DOCUMENTED = sorted({(page.name, command) for page in PAGES for command in commands_in(page.read_text("utf-8"))})
WHOLE = [(page.name, text) for page in PAGES for text in SPECIFICATION.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "command"), DOCUMENTED)
def test_commands_and_their_options_exist(
    page: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "venvstacks.toml").touch()
    monkeypatch.chdir(tmp_path)
    arguments = common_options_first(shlex.split(command))
    name = next(word for word in arguments if not word.startswith("-"))
    assert name in COMMANDS, page
    group = typer.main.get_command(make_app([name]))
    with group.make_context("venvstacks", [name]) as outer:
        inner = group.commands[name]  # type: ignore[attr-defined] # typer's own copy of click's group
        inner.make_context(name, arguments[arguments.index(name) + 1 :], parent=outer)


def test_enough_commands_are_found() -> None:
    assert len(DOCUMENTED) > 40


@pytest.mark.parametrize(("page", "text"), WHOLE)
def test_specifications_are_valid(page: str, text: str) -> None:
    python = ChosenPython(PythonImplementation("cpython", "3.12.9"))
    stack = stack_of(text, pythons={"python": python}, requirement_files={"requirements.txt": "rich\n"})
    assert stack.layers, page
    assert stack.warnings == ()
