"""uv's `environments`, which layers do not follow, are named where they differ from `platforms`."""

from __future__ import annotations

import pytest

from tests.support.specifications import runtime, stack_of
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.model.uv_environments import differing_environments

PYTHON = PythonImplementation.parse("cpython@3.11.7")
MAC = "sys_platform == 'darwin' and platform_machine == 'arm64'"


@pytest.mark.parametrize(
    ("table", "platforms", "says"),
    [
        ({"environments": [MAC]}, ["macosx_arm64"], []),
        ({"environments": [MAC]}, ["macosx_arm64", "linux_x86_64"], ["environments leave out linux_x86_64"]),
        ({"environments": ["nonsense"]}, ["linux_x86_64"], ["environments leave out linux_x86_64"]),
        ({"required-environments": [MAC]}, ["macosx_arm64", "win_amd64"], []),
        ({"required-environments": [MAC]}, ["win_amd64"], ["required-environments ask for (sys_platform"]),
        ({"required-environments": [MAC]}, [], []),
        ({}, ["win_amd64"], []),
    ],
)
def test_what_differs_is_named(table: dict[str, list[str]], platforms: list[str], says: list[str]) -> None:
    found = list(differing_environments(table, [(PLATFORMS[name], PYTHON) for name in platforms]))
    assert len(found) == len(says)
    assert all(text.startswith(start) for text, start in zip(found, says, strict=True))


def test_the_specification_and_the_project_that_it_refers_to_are_named() -> None:
    text = runtime(**{"platforms": ["win_amd64"], "requirements-from": [{"pyproject": "pyproject.toml"}]})
    text += f'[tool.uv]\nenvironments = ["{MAC}"]\n'
    project = f'[project]\nname = "a"\n[tool.uv]\nrequired-environments = ["{MAC}"]\n'
    warnings = stack_of(text, requirement_files={"pyproject.toml": project}).warnings
    assert "pyproject.toml: required-environments" in warnings[0]
    assert "[tool.uv]: environments leave out win_amd64" in warnings[1]
