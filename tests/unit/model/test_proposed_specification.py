"""Specifications for projects that exist already."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.specifications import stack_of
from venvstacks.model.found_projects import (
    FoundProject,
    fitting_python,
    is_only_known_to_build,
    read_folder,
    read_project,
)
from venvstacks.model.platforms import PythonImplementation
from venvstacks.model.proposed_specification import found_settings, specification_text
from venvstacks.model.tables import RefusedValueError
from venvstacks.model.toml_text import parse_toml

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


@pytest.mark.parametrize(
    ("name", "files", "expected"),
    [
        ("desk", ["src/desk/__main__.py"], "desk"),
        ("Desk_Top", ["Desk_Top/__main__.py"], "Desk_Top"),
        ("zest.releaser", ["zest/releaser/__main__.py", "tests/__main__.py"], "zest.releaser"),
        ("rope", ["benchmarks/__main__.py", "rope/__init__.py"], None),
    ],
)
def test_a_package_without_scripts_is_started_by_its_main_module(name: str, files: list[str], expected: object) -> None:
    assert read_project({"build-system": {}, "project": {"name": name}}, ".", files).launch == expected


@pytest.mark.parametrize(
    ("document", "files", "expected"),
    [
        ({"build-system": {}}, [], True),
        ({}, ["setup.py"], True),
        ({"tool": {"uv": {"package": True}}}, [], True),
        ({"build-system": {}, "tool": {"uv": {"package": False}}}, [], False),
        ({"build-system": {}, "tool": {"poetry": {"package-mode": False}}}, [], False),
        ({"build-system": {}, "tool": {"pdm": {"distribution": False}}}, [], False),
    ],
)
def test_tools_say_what_is_a_package(document: dict[str, Any], files: list[str], expected: object) -> None:
    assert read_project({**document, **SCRIPT}, ".", ["main.py", *files]).is_package is expected


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
        read_project(document, ".", ["other.py", "more.py"])


def test_several_scripts_become_several_launch_targets() -> None:
    scripts = {
        "deskd": "desk.server:main [daemon]",
        "desk": "desk.cli : main",
        "de_sk": "desk.cli:old",
        "4ever": "desk:x",
        "broken": "desk.cli main",
    }
    gui = {"desk-gui": "desk.gui:Window.show"}
    found = read_project(
        {"build-system": {}, "project": {"name": "desk", "scripts": scripts, "gui-scripts": gui}}, ".", []
    )
    expected = {"desk": "desk.cli:main", "deskd": "desk.server:main", "de_sk": "desk.cli:old"}
    assert found.launch == {**expected, "desk-gui": "desk.gui:Window.show"}
    assert next(iter(found.launch)) == "desk"
    stack = stack_of(specification_text([found], "cpython@3.12.1", "linux_x86_64", [], "").replace("sources", "other"))
    assert [launch.name for launch in stack.layers[-1].launches] == list(found.launch)


def test_a_folder_of_modules_brings_what_lies_next_to_the_launched_one() -> None:
    files = [
        "app.py", "routes.py", "setup.py", "test_app.py", "shop/__init__.py", "tests/test_more.py",
        "templates/", "docs/", "shop/", ".venv/", "node-modules/x.py",
    ]  # fmt: skip
    found = read_folder("My Shop", "sub", ("requirements.txt", ["flask"]), files)
    assert (found.name, found.launch, found.support) == ("my-shop", "app.py", ("routes.py", "shop", "templates"))
    text = specification_text([found], "cpython@3.12.1", "linux_x86_64", [], "")
    assert 'support_modules = ["sub/routes.py", "sub/shop", "sub/templates"]' in text
    assert 'requirements-from = ["sub/requirements.txt"]' in text
    assert read_folder("x", ".", ("requirements.txt", []), ["only.py", "conftest.py"]).launch == "only.py"


@pytest.mark.parametrize(
    ("document", "names", "expected"),
    [
        ({"project": {"name": "x"}, "build-system": {}}, set(), False),
        ({"project": {"name": "x", "dynamic": ["version", "readme"]}}, {"setup.py"}, False),
        ({"project": {"name": "x", "dynamic": ["dependencies"]}}, set(), True),
        ({"project": {"name": "x", "dynamic": ["scripts"]}}, set(), True),
        ({"tool": {"poetry": {"name": "x"}}, "build-system": {}}, set(), True),
        ({"tool": {"ruff": {}}}, {"requirements.txt"}, False),
        ({}, {"setup.py"}, True),
    ],
)
def test_what_only_a_build_can_say(document: dict[str, Any], names: set[str], expected: object) -> None:
    assert is_only_known_to_build(document, names) is expected


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        ("", "cpython@3.11.7"),
        (">=3.9", "cpython@3.11.7"),
        (">=3.12.3", "cpython@3.12"),
        ("<3.11", "cpython@3.10"),
        ("==3.12.4", "cpython@3.12.4"),
        (">=3.9.2,<=3.9.7", "cpython@3.9.7"),
        ("~=3.9.2", "cpython@3.9"),
        ("3.11", "cpython@3.11.7"),
        ("==3.12.*", "cpython@3.12"),
    ],
)
def test_a_python_that_the_projects_are_for(requires: str, expected: str) -> None:
    present = PythonImplementation("cpython", "3.11.7")
    other = read_project({**SCRIPT, "project": {"name": "other"}}, ".", ["main.py"])
    project = read_project({"project": {"name": "shop", "requires-python": requires}}, ".", ["main.py"])
    assert fitting_python([other, project], present) == expected
    none = read_project({"project": {"name": "old", "requires-python": "<3"}}, ".", ["main.py"])
    with pytest.raises(RefusedValueError, match="no Python fits what other, old require"):
        fitting_python([other, none], present)


def test_libraries_belong_to_the_applications_that_need_them_and_plugins_to_all() -> None:
    def library(name: str, *requirements: str) -> FoundProject:
        return read_project({"build-system": {}, "project": {"name": name, "dependencies": requirements}}, name, [])

    projects = [
        library("Rope", "knot>1"), library("knot"), library("plugin"), library("unused-by-shop"),
        read_project(PACKAGE, "desk", []),
        read_project({"project": {"name": "shop", "dependencies": ["rope"]}}, "shop", ["main.py"]),
        read_project(
            {"project": {"name": "yard", "dependencies": ["unused.by_shop"]}}, "yard", ["main.py"]
        ),
    ]  # fmt: skip
    assert [project.launch for project in projects[:4]] == [None] * 4
    text = specification_text(projects, "cpython@3.12.1", "linux_x86_64", [], "")
    layers = parse_toml(text)["applications"]
    assert {layer["name"]: layer["requirements"] for layer in layers} == {
        "desk-top": ["desk-top", "plugin"], "shop": ["rope", "knot", "plugin"], "yard": ["plugin", "unused-by-shop"],
    }  # fmt: skip


def test_a_lock_limits_what_is_locked_and_extras_are_named() -> None:
    extras = {"gui": ["x"], "all": [], 'odd"\n[x]': []}
    package = {**PACKAGE, "project": {**PACKAGE["project"], "optional-dependencies": extras}}
    desk = replace(read_project(package, "desk", []), lock="desk/uv.lock")
    assert desk.extras == ("gui", "all")
    text = specification_text([desk], "cpython@3.12.1", "linux_x86_64", ["rich"], "2 MB of 3 MB")
    layers = parse_toml(text)
    limits = ["desk/uv.lock"]
    assert (layers["frameworks"][0]["constraints-from"], layers["applications"][0]["constraints-from"]) == (
        limits,
        limits,
    )
    assert '# with extras, if they are needed: "desk-top[gui, all]"' in text
    two = [desk, read_project(SCRIPT, ".", ["main.py"])]
    layers = parse_toml(specification_text(two, "cpython@3.12.1", "linux_x86_64", ["rich"], "2 MB of 3 MB"))
    assert "constraints-from" not in layers["frameworks"][0]
    assert [layer.get("constraints-from") for layer in layers["applications"]] == [limits, None]


def test_scripts_with_the_name_of_the_project_go_first() -> None:
    scripts = {"echo_conf": "s.a:main", "supervisorctl": "s.b:main", "supervisor": "s.c:main"}
    found = read_project({"build-system": {}, "project": {"name": "Supervisor", "scripts": scripts}}, ".", [])
    assert list(found.launch or ()) == ["supervisor", "supervisorctl", "echo_conf"]


def test_a_folder_of_modules_names_its_extras() -> None:
    script = {"project": {**SCRIPT["project"], "optional-dependencies": {"gui": ["x"]}}}
    text = specification_text([read_project(script, "shop", ["main.py"])], "cpython@3.12.1", "linux_x86_64", [], "")
    assert 'needed: { pyproject = "shop/pyproject.toml", extras = ["gui"] }\n' in text


def test_settings_of_all_projects_are_gathered() -> None:
    def project(name: str, *requirements: str, **uv: Any) -> FoundProject:
        document = {"build-system": {}, "project": {"name": name, "dependencies": requirements}, "tool": {"uv": uv}}
        return read_project(document, name, [])

    cpu = {"name": "cpu", "url": "https://cpu.example/simple", "explicit": True}
    sources = {
        "Torch": [{"index": "cpu", "marker": "sys_platform == 'linux'"}, {"index": "gone"}],
        "rope": {"path": "../rope"}, "knot": {"git": "https://git.example/knot", "tag": "1"}, "unused": {"path": "x"},
        "c": {"path": "x", "extra": "z"},
    }  # fmt: skip
    first = project("a", "torch", "rope", "knot", index=[cpu], sources=sources)
    second = project(
        "b", "torch", "c",
        index=[{**cpu, "url": "https://other.example"}, {"url": "flat", "format": "flat", "default": True}],
        sources={"c": {"workspace": True}}, **{"no-index": True},
    )  # fmt: skip
    third = project("c", index=[{"name": "own", "url": "https://own.example", "default": True}])
    assert found_settings([first, second, third]) == {
        "index": [
            cpu,
            {"url": "b/flat", "format": "flat", "default": True},
            {"name": "own", "url": "https://own.example"},
        ],
        "no-index": True,
        "sources": {
            "torch": {"index": "cpu", "marker": 'sys_platform == "linux"'},
            "rope": {"path": "rope"},
            "knot": {"git": "https://git.example/knot", "tag": "1"},
            "c": {"workspace": True},
        },
    }
    text = specification_text([first, second, third], "cpython@3.12.1", "linux_x86_64", [], "")
    assert parse_toml(text)["tool"]["uv"]["sources"]["c"] == {"path": "c"}
