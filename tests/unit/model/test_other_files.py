"""`requirements-from`, `constraints-from`, `exclude` and `overrides` in a specification."""

from __future__ import annotations

import pytest

from tests.support.specifications import RUNTIME, application, framework, runtime, stack_of, the_fault_of

FILES = {
    "../pyproject.toml": '[project]\nname = "x"\ndependencies = ["frog"]\n',
    "reqs.txt": "toad\n-c limits.txt\n",
    "limits.txt": "newt<2\n",
}


def test_requirements_come_from_files_in_addition_or_instead() -> None:
    base = RUNTIME.replace("requirements = []", 'requirements-from = [{ requirements = "reqs.txt" }]')
    upper = framework("fw", requirements=["egg"], **{"requirements-from": [{"pyproject": "../pyproject.toml"}]})
    lower, layer = stack_of(base + upper, requirement_files=FILES).layers
    assert (lower.requirements, lower.declared, lower.constraints) == (("toad",), (), ("newt<2",))
    assert lower.input_files == ("reqs.txt", "limits.txt")
    assert (layer.requirements, layer.declared) == (("egg", "frog"), ("egg",))


def test_a_path_stands_for_the_whole_file() -> None:
    base = RUNTIME.replace("requirements = []", 'requirements-from = ["reqs.txt", "../pyproject.toml"]')
    files = {**FILES, "uv.lock": 'version = 1\n[[package]]\nname = "egg"\nversion = "3"\nsource = { registry = "i" }\n'}
    upper = framework("fw", requirements=["egg"], **{"constraints-from": ["limits.txt", "uv.lock"]})
    lower, layer = stack_of(base + upper, requirement_files=files).layers
    assert (lower.requirements, lower.constraints) == (("toad", "frog"), ("newt<2",))
    assert layer.constraints == ("newt<2", "egg==3")


@pytest.mark.parametrize(
    ("table", "line", "key", "message"),
    [
        ('requirements-from = [{ pyproject = "gone.toml" }]', 5, "requirements-from", "there is no file 'gone.toml'"),
        ("requirements-from = [{}]", 5, "requirements-from", "exactly one of pyproject, requirements must be given"),
        ("constraints-from = [{}]", 5, "constraints-from", "exactly one of pyproject, requirements, lock"),
        ('constraints-from = [{ lock = "Pipfile.lock" }]', 5, "constraints-from.lock", "none of uv.lock"),
        ('requirements-from = [{ requirements = "/r" }]', 5, "requirements-from.requirements", "not a path relative"),
        ('requirements-from = [{ requirements = "r", groups = ["g"] }]', 5, "requirements-from", "only a pyproject"),
        ('exclude = ["a", "A"]', 5, "exclude", "'a' is named twice"),
        ('overrides = ["not one"]', 5, "overrides", "is not a requirement"),
        ("requirements-form = []", 5, "requirements-form", "unknown key"),
        ('requirements-from = [{ pyprojekt = "x" }]', 5, "requirements-from.pyprojekt", "unknown key"),
    ],
)  # fmt: skip
def test_faults_name_line_key_and_layer(table: str, line: int, key: str, message: str) -> None:
    fault = the_fault_of(f"{RUNTIME}{table}\n")
    assert (fault.line, fault.key, fault.layer) == (line, key, "py")
    assert message in fault.message


@pytest.mark.parametrize(
    ("key", "nearest"), [("requirements-form", "requirements-from"), ("requirements_form", "requirements-from")]
)
def test_the_nearest_key_is_suggested(key: str, nearest: str) -> None:
    assert the_fault_of(f"{RUNTIME}{key} = []\n").hint == f"did you mean '{nearest}'?"


def test_a_layer_without_any_requirements_key_is_a_fault() -> None:
    assert the_fault_of(RUNTIME.replace("requirements = []\n", "")).message == "this key is required"


def test_overrides_are_inherited_and_the_nearest_wins() -> None:
    text = runtime(overrides=["frog==1", "toad==1"])
    text += framework("fw", overrides=["Frog==2; sys_platform == 'linux'", "frog==3; sys_platform != 'linux'"])
    text += application("app", "fw", exclude=["Some_Package"])
    *_, layer = stack_of(text).layers
    assert layer.overrides == ("Frog==2; sys_platform == 'linux'", "frog==3; sys_platform != 'linux'", "toad==1")
    assert layer.exclude == ("some-package",)
