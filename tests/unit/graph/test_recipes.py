"""What ships inside layers, or makes what ships, is part of no task's inputs: recipes stand for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from venvstacks import _injected
from venvstacks.digests import sha256_file
from venvstacks.graph.compiler import RECIPES


def test_injected_files_change_together_with_the_recipe_of_linking(check_golden: Callable[[str, str], None]) -> None:
    """If this differs, environments get other content: raise RECIPES["link"], then update the file."""
    files = sorted(Path(_injected.__path__[0]).glob("*.py"))
    lines = [f"recipe {RECIPES['link']}", *(f"{file.name}: {sha256_file(file)}" for file in files)]
    check_golden("injected-files.txt", "\n".join(lines) + "\n")
