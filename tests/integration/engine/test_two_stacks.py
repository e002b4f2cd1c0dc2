"""Two stacks in one dodo.py: each keeps its own task state, which the venvstacks command shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.offline_stacks import has_python, run, write_stack

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")]

DODO = """\
from venvstacks import Options, Selection, doit_config, doit_tasks
options = Options(local_wheels=("wheels",), use_index=False)
DOIT_CONFIG = {**doit_config("one/venvstacks.toml", options), "default_tasks": ["build", "two-build"]}
def task_one(): yield from doit_tasks("one/venvstacks.toml", options)
def task_two():
    yield from doit_tasks("two/venvstacks.toml", options, prefix="two-", selection=Selection(include=("fr*base",)))
"""


def doit(folder: Path, *arguments: str, code: int = 0, **environment: str) -> str:
    done = run("doit", *arguments, cwd=folder, **environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        write_stack(tmp_path / name)
    (tmp_path / "dodo.py").write_text(DODO, "utf-8")
    return tmp_path


def test_each_keeps_its_state(folder: Path) -> None:
    listed = {line.split()[0] for line in doit(folder, "list", "--all").splitlines()}
    assert {"build:app-hello", "two-build:framework-base", "two-build:py", "manifest:archives"} <= listed
    assert "two-build:app-hello" not in listed, "it is not selected"

    first = doit(folder, "-n", "2")
    assert ".  two-build:framework-base" in first
    assert ".  build:app-hello" in first
    assert ".  " not in doit(folder), "everything is up to date"
    for name in ("one", "two"):
        options = ("--no-publish", "--local-wheels", "wheels", "--include", "framework-base")
        planned = run("venvstacks", "-v", "plan", f"{name}/venvstacks.toml", *options, cwd=folder)
        assert [line.split()[0] for line in planned.stdout.splitlines() if "build:framework-base" in line] == ["up"]

    doit(folder, "forget", "two-build:framework-base")
    assert [line for line in doit(folder).splitlines() if line.startswith(".  ")] == [".  two-build:framework-base"]


def test_what_doit_says_of_a_task_holds_no_environment(folder: Path) -> None:
    secret = {"UV_INDEX_COMPANY_PASSWORD": "squirrel", "MY_TOKEN": "squirrel"}
    for task in ("two-build:py", "build:app-hello", "lock:py", "manifest:archives"):
        said = doit(folder, "info", task, code=1, **secret)
        assert "squirrel" not in said
        assert len(said) < 3000
    assert "never run" in said or "missing output" in said
    assert "squirrel" not in doit(folder, "list", "--all", "--status", **secret)
    assert "squirrel" not in doit(folder, "clean", "-n", **secret)
