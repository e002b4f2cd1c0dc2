"""Projects that are sources, as they are found on disk: folders, archives, members of uv's workspaces."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.specifications import runtime
from venvstacks.errors import SpecificationError
from venvstacks.loading.own_projects import read_projects
from venvstacks.loading.project import load_project
from venvstacks.model.draft import parse_draft
from venvstacks.model.own_packages import Projects
from venvstacks.model.sources import Source


def project(folder: Path, name: str, tables: str = "", requires: str = "[]") -> None:
    folder.mkdir(parents=True)
    text = f'[project]\nname = "{name}"\nversion = "1"\ndependencies = {requires}\n{tables}'
    (folder / "pyproject.toml").write_text(text, "utf-8")


def read(base: Path, sources: str, requirements: str = "") -> Projects:
    text = f"{runtime(requirements=[requirements] if requirements else [])}[tool.uv.sources]\n{sources}\n"
    draft = parse_draft(text, "venvstacks.toml")
    assert draft.uv is not None
    return read_projects(draft, draft.uv, base, dict(os.environ))


def test_projects_and_what_they_name(tmp_path: Path) -> None:
    extras = '[project.optional-dependencies]\ngui = ["c"]\n[tool.uv.sources]\nb = { path = "../b" }\n'
    project(tmp_path / "parts/a", "a", extras, requires='["b"]')
    project(tmp_path / "parts/b", "b")
    found = read(tmp_path / "parts/..", 'a = { path = "parts/a" }')
    assert set(found.folders) == {"parts/a", "parts/b"}
    a = found.folders["parts/a"]
    assert a is not None
    assert (a.tree.files, a.requirements) == (("pyproject.toml",), ("b", "c"))
    assert a.sources == {"b": (Source(path="parts/b"),)}


def test_archives_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").touch()
    found = read(tmp_path, 'a = { path = "a.tar.gz" }', "b @ file:b")
    archive = found.folders["a.tar.gz"]
    assert archive is not None
    assert archive.tree.file_paths == ("a.tar.gz",)
    assert found.folders["b"] is None


def test_members_of_the_workspace_around(tmp_path: Path) -> None:
    members = '[tool.uv.workspace]\nmembers = ["libs/*"]\nexclude = ["libs/old"]\n'
    project(tmp_path / "top", "Top_Project", members)
    for name in ("one", "old"):
        project(tmp_path / "top/libs" / name, name)
    (tmp_path / "top/libs/notes").mkdir()
    stack = tmp_path / "top/deploy"
    stack.mkdir()
    found = read(stack, "one = { workspace = true }")
    assert found.members == {"top-project": "..", "one": "../libs/one"}
    assert set(found.folders) == {"../libs/one"}
    text = runtime(requirements=["one"], platforms=["linux_x86_64"])
    (stack / "venvstacks.toml").write_text(f"{text}[tool.uv.sources]\none = {{ workspace = true }}\n", "utf-8")
    loaded = load_project(stack / "venvstacks.toml", environment={})
    assert loaded.graph.by_name["wheel:one"].inputs == ("../libs/one/pyproject.toml",)


def test_what_describes_a_stack_is_no_part_of_the_project_around_it(tmp_path: Path) -> None:
    project(tmp_path / "desk", "desk")
    stacks = {"venvstacks.toml": "", "venvstacks.uv.toml": "", "other.toml": "", "sub/venvstacks.toml": ""}
    text = runtime(requirements=["desk"], platforms=["linux_x86_64"])
    for name in stacks:
        (tmp_path / "desk" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "desk" / name).write_text(f'{text}[tool.uv.sources]\ndesk = {{ path = "." }}\n', "utf-8")
    for name in ("venvstacks.toml", "other.toml"):
        inputs = load_project(tmp_path / "desk" / name, environment={}).graph.by_name["wheel:desk"].inputs
        kept = stacks.keys() - {name, "venvstacks.uv.toml"}
        assert {Path(path).as_posix() for path in inputs} == {"pyproject.toml", *kept}


def test_a_project_file_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/pyproject.toml").write_text("[project\n", "utf-8")
    with pytest.raises(SpecificationError, match=r"a/pyproject\.toml"):
        read(tmp_path, 'a = { path = "a" }')


@pytest.mark.parametrize("in_git", [False, True])
def test_what_the_stack_writes_into_a_project_does_not_belong_to_it(tmp_path: Path, *, in_git: bool) -> None:
    """Locks change with each change of what they were made from, also where they are committed."""
    project(tmp_path / "a", "a")
    (tmp_path / "a/requirements/base").mkdir(parents=True)
    (tmp_path / "a/requirements/base/common.txt").touch()
    before = {"pyproject.toml", "requirements/base/common.txt", "out/notes.txt"}
    for name in (
        "requirements/app-x/pylock.app-x.meta.json", "requirements/app-x/packages-app-x.txt",
        "requirements/wheels/a.json", "_build/app-x/lib/x.py", "_artifacts/part.tar.zst", "_export/x/y.py",
        "elsewhere/.venvstacks/state.db", "elsewhere/app-x/x.py", "out/dist/__venvstacks__/x.json", "out/dist/x.zip",
        "out/notes.txt",
    ):  # fmt: skip
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).touch()
    (tmp_path / "a/_build/link").symlink_to("app-x")
    if in_git:
        for arguments in (["init", "-q"], ["add", "-A"]):
            subprocess.run(["git", *arguments], cwd=tmp_path / "a", check=True)
    text = f'{runtime(requirements=["a"], platforms=["linux_x86_64"])}[tool.uv.sources]\na = {{ path = "." }}\n'
    (tmp_path / "a/venvstacks.toml").write_text(text, "utf-8")
    loaded = load_project(tmp_path / "a/venvstacks.toml", environment={})
    (source,) = loaded.stack.own_packages.values()
    assert source.tree is not None
    assert set(source.tree.files) - {"venvstacks.toml"} == before
