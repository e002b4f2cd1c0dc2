"""Projects that exist already, read from disk without a build."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.capabilities import needs_symbolic_links
from tests.support.handmade_wheels import make_wheel
from venvstacks.api import load_project
from venvstacks.api.existing_projects import Machine, read_existing
from venvstacks.api.proposing import propose
from venvstacks.errors import UsageError
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.model.toml_text import parse_toml
from venvstacks.tools.module_files import read_project as read_project_files

MACHINE = Machine(PythonImplementation("cpython", "3.11.7"), PLATFORMS["linux_x86_64"], sys.executable, {})
PACKAGE = '[build-system]\nrequires = []\n[project]\nname = "desk"\nscripts = { desk = "desk:main" }\n'


def write(folder: Path, **files: str) -> Path:
    """Files by their names, of which `__` is a dot and `___` a slash."""
    for name, text in files.items():
        place = folder / name.replace("___", "/").replace("__", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    return folder


def test_names_of_folders_may_hold_any_characters(tmp_path: Path) -> None:
    folder = write(tmp_path / 'Büro "🐸"', requirements__txt="", main__py="", routes__py="")
    text = propose([folder], tmp_path, MACHINE).text
    (layer,) = parse_toml(text)["applications"]
    assert layer["launch_module"] == 'Büro "🐸"/main.py'
    assert layer["support_modules"] == ['Büro "🐸"/routes.py']


def test_support_modules_are_folders_that_hold_something(tmp_path: Path) -> None:
    write(tmp_path, requirements__txt="", main__py="", data___x="", static___x="", _gitignore="")
    (tmp_path / ".gitignore").write_text("/data/\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / "templates").mkdir()
    assert read_existing(tmp_path, tmp_path, MACHINE).support == ("static",)


def test_settings_around_a_requirements_file_count(tmp_path: Path) -> None:
    project = '[project]\nname = "x"\nrequires-python = ">=3.12"\n[tool.uv]\nfind-links = ["wheels"]\n'
    write(tmp_path, pyproject__toml=project, requirements__txt="", main__py="")
    found = read_existing(tmp_path / "requirements.txt", tmp_path, MACHINE)
    assert (found.uv, found.requires_python) == ({"find-links": ["wheels"]}, ">=3.12")


def test_a_folder_of_requirements_files_belongs_to_the_project_above(tmp_path: Path) -> None:
    write(
        tmp_path, site___manage__py="", site___requirements___prod__txt="-r base.in", site___requirements___base__in="x"
    )
    found = read_existing(tmp_path / "site/requirements/prod.txt", tmp_path, MACHINE)
    assert (found.name, found.folder, found.launch) == ("site", "site", "manage.py")
    assert (found.listed_in, found.requirements) == ("requirements/prod.txt", ("x",))
    with pytest.raises(UsageError, match="nothing says how"):
        read_existing(tmp_path / "site/requirements/prod.txt", tmp_path / "site/requirements", MACHINE)


def test_the_lock_of_a_workspace_holds_for_its_members(tmp_path: Path) -> None:
    root = '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/other"]\n'
    write(tmp_path, pyproject__toml=root, uv__lock="", packages___desk___pyproject__toml=PACKAGE)
    write(tmp_path, packages___other___pyproject__toml=PACKAGE, packages___own___pyproject__toml=PACKAGE)
    write(tmp_path / "packages/own", pdm__lock="")
    locks = {
        name: read_existing(tmp_path / "packages" / name, tmp_path, MACHINE).lock for name in ("desk", "other", "own")
    }
    assert locks == {"desk": "uv.lock", "other": None, "own": "packages/own/pdm.lock"}
    assert read_existing(tmp_path / "packages/desk", tmp_path / "packages", MACHINE).lock == "../uv.lock"


def test_a_package_that_is_built_elsewhere_is_left_out_of_the_proposal(tmp_path: Path) -> None:
    sources = '[tool.uv]\nno-index = true\nfind-links = ["wheels"]\n[tool.uv.sources]\nrope = { path = "../rope" }\n'
    project = PACKAGE.replace("scripts", 'dependencies = ["rope"]\nscripts')
    (tmp_path / "desk/wheels").mkdir(parents=True)
    write(tmp_path / "desk", pyproject__toml=project + sources)
    proposed = propose([tmp_path / "desk"], tmp_path, MACHINE)
    assert (proposed.trouble, proposed.proposal and proposed.proposal.candidates) == ("", ())
    assert parse_toml(proposed.text)["tool"]["uv"]["sources"] == {"rope": {"path": "rope"}, "desk": {"path": "desk"}}


def test_what_a_project_takes_from_an_index_of_its_own_is_found_there(tmp_path: Path) -> None:
    make_wheel(tmp_path / "desk/wheels", "small", "1.0")
    index = '[[tool.uv.index]]\nname = "own"\nurl = "wheels"\nformat = "flat"\nexplicit = true\n'
    project = PACKAGE.replace("scripts", 'dependencies = ["small"]\nscripts')
    write(tmp_path / "desk", pyproject__toml=f'{project}{index}[tool.uv.sources]\nsmall = {{ index = "own" }}\n')
    proposed = propose([tmp_path / "desk"], tmp_path, MACHINE)
    assert proposed.proposal, proposed.trouble
    assert [one.name for one in proposed.proposal.candidates] == ["small"]
    (tmp_path / "venvstacks.toml").write_text(proposed.text)
    assert load_project(tmp_path / "venvstacks.toml").stack.uv["index"][0]["url"] == "desk/wheels"


@pytest.mark.parametrize(
    ("files", "message", "hint"),
    [
        ({"requirements__txt": "", "environment__yml": ""}, "nothing says how", "add [project.scripts]"),
        ({"environment__yml": "", "main__py": ""}, "no [project] table", "list what conda installs"),
        ({"setup__cfg": "[metadata]"}, "no [project] table", "add a pyproject.toml"),
        (
            {"pyproject__toml": "[build-system]\n[tool.poetry]\npackage-mode = false", "poetry__lock": ""},
            "no [project] table",
            "poetry export",
        ),
        ({"pyproject__toml": "[project\n"}, "line 1: not valid TOML", "correct it"),
        ({"pyproject__toml": '[project]\nname = "x"\ndynamic = 3'}, "'dynamic' is not an array", "PEP 621"),
        ({"pyproject__toml": PACKAGE + 'dependencies = "x"'}, "'dependencies' is not an array", "PEP 621"),
        (
            {"pyproject__toml": PACKAGE + "[tool.uv]\nfind-links = 3"},
            "tool.uv.find-links must be an array",
            "find-links",
        ),
    ],
)
def test_what_is_wrong_and_what_to_do(files: dict[str, str], message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_existing(write(tmp_path, **files), tmp_path, MACHINE)
    assert message in caught.value.message
    assert hint in json.dumps(caught.value.hint)


def test_files_from_windows(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xef\xbb\xbf" + PACKAGE.replace("\n", "\r\n").encode())
    assert read_existing(tmp_path / "pyproject.toml", tmp_path, MACHINE).launch == "desk:main"


@needs_symbolic_links
def test_a_virtual_environment_in_a_project_does_not_belong_to_it(tmp_path: Path) -> None:
    write(tmp_path, pyproject__toml=PACKAGE, desk__py="")
    write(tmp_path / "my venv", pyvenv__cfg="home = /usr", lib___python3___x__py="")
    (tmp_path / "my venv/lib64").symlink_to("lib")
    tree = read_project_files(tmp_path, ".")
    assert tree is not None
    assert tree.files == ("desk.py", "pyproject.toml")
