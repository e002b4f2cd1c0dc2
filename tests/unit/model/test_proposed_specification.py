"""Specifications for projects that exist already."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.specifications import stack_of
from venvstacks.model.proposed_specification import read_project, specification_text
from venvstacks.model.tables import RefusedValueError

PACKAGE: dict[str, Any] = {
    "build-system": {"requires": []},
    "project": {"name": "Desk_Top", "dependencies": ["rich>=13"], "scripts": {"desk": "desk_top.cli:main"}},
    "tool": {"uv": {"find-links": ["wheels", "https://files.example/"], "dev-dependencies": ["pytest"]}},
}
SCRIPT: dict[str, Any] = {"project": {"name": "shop", "dependencies": ["rich"]}}


def test_a_package_is_built_and_started_by_its_script() -> None:
    found = read_project(PACKAGE, "desk", [])
    assert (found.name, found.launch, found.is_package) == ("desk-top", "desk_top.cli:main", True)
    text = specification_text([found], "cpython@3.12.1", "linux_x86_64", ["rich>=13"], "2 MB of 3 MB")
    assert 'launch = "desk_top.cli:main"' in text
    assert 'find-links = [\n    "desk/wheels",\n    "https://files.example/",\n]' in text
    assert "dev-dependencies" not in text
    assert 'path = "desk"' in text


def test_a_folder_of_modules_is_started_by_its_main_module() -> None:
    assert read_project(SCRIPT, ".", ["main.py", "shop.py"]).launch == "main.py"
    assert read_project(SCRIPT, ".", ["shop/__main__.py", "main.py"]).launch == "shop"
    without_scripts = {**PACKAGE, "project": {"name": "desk"}}
    assert read_project(without_scripts, ".", ["src/desk/__main__.py"]).launch == "desk"


def test_the_specification_is_valid() -> None:
    found = read_project(SCRIPT, ".", ["main.py"])
    text = specification_text([found], "cpython@3.12.1", "linux_x86_64", ["rich"], "2 MB of 3 MB")
    stack = stack_of(text, requirement_files={"pyproject.toml": '[project]\nname = "shop"\ndependencies = ["rich"]\n'})
    assert [layer.env_name for layer in stack.layers] == ["python", "framework-libraries", "app-shop"]
    assert stack.layers[2].requirements == ("rich",)
    alone = specification_text([found], "cpython@3.12.1", "linux_x86_64", [], "")
    assert "frameworks" not in alone


@pytest.mark.parametrize(
    ("document", "said"),
    [({}, "no [project] table"), ({"project": {"name": 3}}, "no [project] table"), (SCRIPT, "how shop is started")],
)
def test_what_is_no_project(document: dict[str, Any], said: str) -> None:
    with pytest.raises(RefusedValueError, match=said.replace("[", r"\[")):
        read_project(document, ".", ["other.py"])
