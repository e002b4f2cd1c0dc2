"""Projects in folders that take their version from git's tags: at the top of a repository, or within it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.support.locked_projects import StackOnDisk
from tests.support.own_projects import BACKEND, commit, git, write_project
from venvstacks.api import Request, plan

SPECIFICATION = """\
[tool.venvstacks]
runtime-providers = ["host"]

[tool.uv.sources]
frog = { path = "pond/frog" }

[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64"]
requirements = ["frog"]
"""
# as setuptools-scm: the version by git, and every file that git knows
DESCRIBED = BACKEND.replace(
    'project["version"]',
    '__import__("subprocess").run(["git", "describe", "--tags", "--dirty"], text=True, capture_output=True, '
    "check=True).stdout.strip().removeprefix('v')",
)


@pytest.fixture(params=["pond/frog", "."])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> StackOnDisk:
    """A stack with a project whose version comes from git, in repositories of several sizes."""
    stack = StackOnDisk.write(tmp_path / "spec", SPECIFICATION)
    project = write_project(stack.base / "pond/frog", "frog", tables='[tool.pdm.version]\nsource = "scm"\n')
    (project / "backend/backend.py").write_text(DESCRIBED, "utf-8")
    text = (project / "pyproject.toml").read_text("utf-8")
    (project / "pyproject.toml").write_text(text.replace('version = "1.0"', 'dynamic = ["version"]'), "utf-8")
    repository = stack.base / str(request.param)
    commit(repository)
    git(repository, "tag", "v1.2")
    return stack


def test_the_newest_tag_is_the_version_until_there_is_another(stack: StackOnDisk) -> None:
    stack.lock()
    assert stack.versions("py") == {"frog": "1.2"}
    repository = Path(git(stack.base / "pond/frog", "rev-parse", "--show-toplevel"))
    commit(repository, "the locks")  # with the locks in it, where the repository holds the specification
    assert plan(stack.project(), Request(("lock",))).counts == {"up to date": 2}
    (stack.base / "pond/frog/src/frog.py").write_text("VERSION = 'new'\n", "utf-8")
    stack.lock()
    assert stack.versions("py") == {"frog": "1.2"}
    wheel = next((stack.base / "_build/.venvstacks/wheels/frog").glob("*.whl"))
    assert b"'new'" in zipfile.ZipFile(wheel).read("frog.py")
    commit(repository)
    git(repository, "tag", "v1.3")
    stack.lock()
    assert stack.versions("py") == {"frog": "1.3"}
    assert json.loads((stack.base / "requirements/wheels/frog.json").read_text("utf-8"))["reproducible"] is True


def test_the_user_s_repository_stays_as_it_is(stack: StackOnDisk) -> None:
    repository = Path(git(stack.base / "pond/frog", "rev-parse", "--show-toplevel"))
    before = {path: path.read_bytes() for path in (repository / ".git").rglob("*") if path.is_file()}
    stack.lock()
    assert {path: path.read_bytes() for path in (repository / ".git").rglob("*") if path.is_file()} == before
