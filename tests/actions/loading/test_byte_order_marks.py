"""Files as editors and shells on Windows write them: with a byte order mark before the text."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from tests.support.offline_stacks import SPEC, write_stack
from venvstacks.loading.options import Options
from venvstacks.loading.project import load_project

MORE = """
[[applications]]
name = "frog"
runtime = "py"
requirements = []
launch_module = "hello.py"
requirements-from = [{ pyproject = "pyproject.toml" }, { requirements = "requirements.txt" }]
constraints-from = [{ requirements = "constraints.txt" }]
"""
FILES = {
    "venvstacks.toml": SPEC + MORE,
    "pyproject.toml": '[project]\nname = "pool"\nversion = "1"\ndependencies = ["alpha"]\n',
    "requirements.txt": "beta\n-r more.txt\n",
    "more.txt": "gamma\n",
    "constraints.txt": "alpha<2\n",
    "venvstacks.uv.toml": "exclude-newer = 2025-01-01T00:00:00Z\n",
}


def load(folder: Path, files: dict[str, bytes]) -> list[str]:
    """All that a stack in `folder` with these files says."""
    spec = write_stack(folder)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    stack = load_project(spec, Options()).stack
    layers = [str({name: str(value) for name, value in vars(layer).items()}) for layer in stack.layers]
    return [str(stack.uv), *layers, *stack.warnings]


def test_a_mark_changes_nothing(tmp_path: Path) -> None:
    plain = {name: text.encode() for name, text in FILES.items()}
    marked = {name: codecs.BOM_UTF8 + content for name, content in plain.items()}
    sound = load(tmp_path / "plain", plain)
    assert "exclude-newer" in sound[0]
    assert all(f"'{name}'" in sound[-1] for name in ("alpha", "beta", "gamma", "alpha<2"))
    assert load(tmp_path / "marked", marked) == sound


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_requirements_may_be_in_utf_16(tmp_path: Path, encoding: str) -> None:
    mark = codecs.BOM_UTF16_LE if encoding.endswith("le") else codecs.BOM_UTF16_BE
    plain = {name: text.encode() for name, text in FILES.items()}
    wide = {name: mark + text.encode(encoding) for name, text in FILES.items() if name.endswith(".txt")}
    assert load(tmp_path / "wide", {**plain, **wide}) == load(tmp_path / "plain", plain)
