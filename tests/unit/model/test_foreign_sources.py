"""Where files of other projects take packages from, as the model reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from venvstacks.model.file_references import ConstraintsFrom, RequirementsFrom
from venvstacks.model.foreign_files import FileContents, UnusableFileError
from venvstacks.model.foreign_sources import ForeignSource
from venvstacks.model.requirement_files import gather_requirements, included_files

PROJECT = '[project]\nname = "app"\ndependencies = ["frog"]\n'
OURS = '[[tool.uv.index]]\nname = "ours"\nurl = "https://user:secret@house.invalid/simple"\n'
CHOICES = '[project.optional-dependencies]\nfast = ["toad"]\n[dependency-groups]\nlint = ["newt"]\n'


def contents_of(text: str, chosen: dict[str, Any] | None = None, **others: str) -> FileContents:
    source = RequirementsFrom.model_validate({"pyproject": "a/b/pyproject.toml", **(chosen or {})})
    texts = {"a/b/pyproject.toml": text} | {f"{place}/pyproject.toml": other for place, other in others.items()}
    return gather_requirements(source, texts)


def sources(text: str, chosen: dict[str, Any] | None = None, **others: str) -> dict[str, ForeignSource]:
    return {source.name: source for source in contents_of(text, chosen, **others).gathered[0].sources}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ('[tool.uv.sources]\nFrog = { path = "../frog" }', "path '../frog'"),
        ('[tool.uv.sources]\nfrog = { git = "https://u:p@host.invalid/frog" }', "git 'https://host.invalid/frog'"),
        ('[tool.uv.sources]\nfrog = { url = "https://host.invalid/frog.whl" }', "url 'https://host.invalid/frog.whl'"),
        ("[tool.uv.sources]\nfrog = { workspace = true }", "the workspace"),
        ('[tool.uv.sources]\nfrog = "odd"', "a source of unknown kind"),
        (f'[tool.uv.sources]\nfrog = {{ index = "ours" }}\n{OURS}', "index 'ours' (https://house.invalid/simple)"),
        ('[tool.poetry.dependencies]\nfrog = { path = "../frog" }', "path '../frog' (tool.poetry.dependencies)"),
        ('[tool.poetry.dependencies]\nfrog = { version = "1", source = "x" }', "source 'x' (tool.poetry.dependencies)"),
    ],
)
def test_sources_of_a_project(tables: str, expected: str) -> None:
    found = sources(f"{PROJECT}{tables}\n")
    assert {name: source.place for name, source in found.items()} == {"frog": expected}


def test_the_cure_is_what_to_write() -> None:
    text = f'{PROJECT}[tool.uv.sources]\nfrog = {{ index = "ours" }}\n{OURS}'
    declared = 'write index = [{ name = "ours", url = "https://house.invalid/simple", explicit = true }]'
    assert sources(text)["frog"].cure == (
        f'{declared} in [tool.uv] of the specification, and package_indexes = {{ frog = "ours" }} in the layer'
    )
    marked = sources(text.replace('"ours" }', '"ours", marker = "os_name == \'nt\'" }'))["frog"]
    assert marked.cure == (
        f'{declared} and sources = {{ frog = {{ index = "ours", marker = "os_name == \'nt\'" }} }} '
        "in [tool.uv] of the specification"
    )
    assert (marked.holds({"os_name": "nt"}), marked.holds({"os_name": "posix"})) == (True, False)


def test_the_cure_for_a_path_is_relative_to_the_specification() -> None:
    cure = sources(f'{PROJECT}[tool.uv.sources]\nfrog = {{ path = "../frog" }}\n')["frog"].cure
    assert cure.startswith('write frog = { path = "a/frog" } in [tool.uv.sources] of the specification')
    member = sources(PROJECT, a=ROOT)["frog"].cure
    assert member.startswith('write frog = { path = "a/x" } in [tool.uv.sources]')


@pytest.mark.parametrize(
    ("chosen", "expected"), [({}, set()), ({"extras": ["fast"]}, {"toad"}), ({"groups": ["lint"]}, {"newt"})]
)
def test_sources_for_extras_and_groups_count_where_these_are_taken(chosen: dict[str, Any], expected: set[str]) -> None:
    text = '[tool.uv.sources]\ntoad = { path = "x", extra = "fast" }\nnewt = [{ path = "y", group = "lint" }]\n'
    assert set(sources(PROJECT + CHOICES + text, chosen)) == expected


ROOT = '[tool.uv.workspace]\nmembers = ["b*"]\n[tool.uv.sources]\nfrog = { path = "x" }\ntoad = { workspace = true }\n'


def test_members_of_a_workspace_have_its_sources_unless_they_have_their_own() -> None:
    own = PROJECT + '[tool.uv.sources]\nfrog = { path = "mine" }\n'
    found = sources(own, a=ROOT)
    assert {name: source.place for name, source in found.items()} == {"frog": "path 'mine'", "toad": "the workspace"}
    assert contents_of(own, a=ROOT).files == ("a/b/pyproject.toml", "a/pyproject.toml")
    assert set(sources(own, a=ROOT.replace("b*", "c*"))) == {"frog"}
    assert set(sources(own, a=ROOT.replace('["b*"]', '["b*"]\nexclude = ["b"]'))) == {"frog"}
    assert set(sources(own + "[tool.uv.workspace]\nmembers = []\n", a=ROOT)) == {"frog"}


def test_a_workspace_above_the_specification_counts_in_whichever_folder_a_run_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = {"pyproject.toml": PROJECT, "../../pyproject.toml": ROOT.replace("b*", "packages/b*")}
    source = RequirementsFrom(pyproject="pyproject.toml")
    for folder, names in (("/x/packages/bell", {"frog", "toad"}), ("/x/packages/other", set())):
        found = gather_requirements(source, texts, folder).gathered
        assert {one.name for part in found for one in part.sources} == names


def test_the_files_that_may_be_a_workspace_are_asked_for() -> None:
    assert included_files("a/b/pyproject.toml", PROJECT)[:3] == (
        "a/pyproject.toml", "pyproject.toml", "../pyproject.toml",
    )  # fmt: skip


def test_limits_of_a_project_are_taken_along() -> None:
    uv = '[tool.uv]\nconstraint-dependencies = ["toad<2"]\noverride-dependencies = ["newt==1"]\n'
    contents = contents_of(PROJECT + uv)
    assert [(part.lines, part.is_constraint) for part in contents.gathered] == [(("frog",), False), (("toad<2",), True)]
    assert contents.overrides == ("newt==1",)
    member = contents_of(PROJECT, a=f'{uv}[tool.uv.workspace]\nmembers = ["b"]\n')
    assert member.overrides == ("newt==1",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tool.poetry]\nname = 'x'\n[tool.poetry.dependencies]\nfrog = '*'\n", r"no \[project\].*\[tool.poetry\]"),
        ("[build-system]\nrequires = ['setuptools']\n", r"no \[project\].*setup.py"),
    ],
)
def test_projects_of_other_forms_are_refused(text: str, says: str) -> None:
    with pytest.raises(UnusableFileError, match=says):
        contents_of(text)


PDM = """\
[[package]]
name = "frog"
version = "1.0"
files = [{ file = "frog-1.0-py3-none-any.whl", hash = "sha256:aa" }, { file = "frog-1.0.tar.gz", hash = "sha256:bb" }]
[[package]]
name = "frog"
version = "1.0"
extras = ["legs"]
[[package]]
name = "newt"
version = "3"
git = "https://host.invalid/newt"
"""
POETRY = """\
[[package]]
name = "Frog"
version = "1.0"
files = [{ file = "frog-1.0-py3-none-any.whl", hash = "sha256:aa" }]
[[package]]
name = "toad"
version = "1"
markers = { main = "os_name == 'nt'", dev = "os_name == 'posix'" }
[[package]]
name = "newt"
version = "3"
[package.source]
type = "git"
url = "https://host.invalid/newt"
"""
UV = """\
[[package]]
name = "frog"
version = "1.0"
source = { registry = "https://index.invalid/simple" }
wheels = [{ url = "https://files.invalid/frog-1.0-py3-none-any.whl", hash = "sha256:aa" }]
[[package]]
name = "newt"
version = "3"
source = { git = "https://host.invalid/newt" }
[[package]]
name = "toad"
version = "1"
source = { registry = "https://index.invalid/simple" }
[[package]]
name = "toad"
version = "2"
source = { registry = "https://index.invalid/simple" }
resolution-markers = ["extra != 'extra-3-app-old'"]
"""


@pytest.mark.parametrize(
    ("path", "text", "pins", "host"),
    [
        ("pdm.lock", PDM, ("frog==1.0",), ""),
        ("poetry.lock", POETRY, ("frog==1.0", "toad==1 ; (os_name == 'nt') or (os_name == 'posix')"), ""),
        ("uv.lock", UV, ("frog==1.0",), "files.invalid"),
    ],
)
def test_locks_of_other_tools_give_pins_sources_and_files(
    path: str, text: str, pins: tuple[str, ...], host: str
) -> None:
    """`toad` is in uv.lock in two versions that only the choice of an extra tells apart: neither is a limit."""
    (part,) = gather_requirements(ConstraintsFrom(lock=path), {path: text}).gathered
    assert part.lines == pins
    assert [(source.name, source.place) for source in part.sources] == [("newt", "git 'https://host.invalid/newt'")]
    assert [(f.name, f.version, f.file, f.sha256, f.host) for f in part.files] == [
        ("frog", "1.0", "frog-1.0-py3-none-any.whl", "aa", host)
    ]
