"""`init` and `schema`: the first commands of a new user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.offline_stacks import has_python, run
from venvstacks import load_project

RICH = {
    "rich/__init__.py": b"",
    "rich/console.py": b"class Console:\n    def print(self, text):\n        print(text)\n",
}


def test_a_first_stack_is_right_and_nothing_is_overwritten(tmp_path: Path) -> None:
    done = run("venvstacks", "init", "a 🐸/new", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "next: venvstacks build " in done.stderr
    stack = load_project(tmp_path / "a 🐸/new/venvstacks.toml").stack
    assert [layer.kind for layer in stack.layers] == ["runtime", "framework", "application"]
    assert stack.warnings == ()

    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = run("venvstacks", "init", "a 🐸/new", cwd=tmp_path)
    assert again.returncode == 2
    assert "would be overwritten" in again.stderr
    assert "hint: " in again.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_git_ignores_already_stays(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert run("venvstacks", "-q", "init", cwd=tmp_path).stderr == ""
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert (tmp_path / "venvstacks.toml").exists()


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("venvstacks", "init", "file", cwd=tmp_path)
    assert done.returncode == 2
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")
def test_a_first_stack_works(tmp_path: Path) -> None:
    run("venvstacks", "init", cwd=tmp_path)
    spec = tmp_path / "venvstacks.toml"
    lines = spec.read_text("utf-8").splitlines()
    python = next(line for line in lines if line.startswith("python_implementation"))
    text = spec.read_text("utf-8").replace(python, 'python_implementation = "cpython@3.11.7"')
    spec.write_text(text.replace('["standalone", "host"]', '["host"]'), "utf-8")
    make_wheel(tmp_path / "wheels", "rich", "1.0", files=RICH)
    built = run("venvstacks", "build", spec, "--no-index", "--local-wheels", "wheels", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    said = run("venvstacks", "run", spec, "hello", cwd=tmp_path)
    assert said.stdout == "Hello from Python [bold]3.11.7[/bold]\n", said.stderr


@pytest.mark.parametrize(
    ("what", "committed"),
    [("", "venvstacks"), ("plan", "plan"), ("manifest", "manifest"), ("file-manifest",) * 2, ("package-list",) * 2],
)
def test_schemas_are_the_committed_ones(what: str, committed: str, tmp_path: Path) -> None:
    done = run("venvstacks", "schema", *([what] if what else []), cwd=tmp_path)
    schema = Path(__file__).parents[3] / f"docs/schema/{committed}.schema.json"
    assert json.loads(done.stdout) == json.loads(schema.read_text("utf-8"))


def test_an_unknown_schema(tmp_path: Path) -> None:
    done = run("venvstacks", "schema", "plans", cwd=tmp_path)
    assert done.returncode == 2
    assert "file-manifest" in done.stderr
