from __future__ import annotations

import pytest

from tests.support.specifications import SMALL, stack_of
from venvstacks.model.layout import EnvironmentLayout, StackLayout
from venvstacks.model.platforms import PLATFORMS, PythonImplementation

POSIX = ("bin", "bin/python", "bin/python3.11", "lib/python3.11/site-packages")
WINDOWS_RUNTIME = ("", "python.exe", "python.exe", "Lib/site-packages")
WINDOWS_LAYERED = ("Scripts", "Scripts/python.exe", "Scripts/python.exe", "Lib/site-packages")


@pytest.mark.parametrize(
    ("platform", "runtime", "layered"),
    [
        (name, WINDOWS_RUNTIME, WINDOWS_LAYERED) if name.startswith("win") else (name, POSIX, POSIX)
        for name in PLATFORMS
    ],
    ids=list(PLATFORMS),
)
def test_environments(platform: str, runtime: tuple[str, ...], layered: tuple[str, ...]) -> None:
    layers = stack_of(SMALL).by_env_name
    for env_name, expected in {"py": runtime, "framework-fw": layered, "app-app": layered}.items():
        layout = EnvironmentLayout.of(layers[env_name], PLATFORMS[platform])
        assert (layout.executables, layout.python, layout.interpreter, layout.site_dir) == expected


def test_pypy_has_its_own_names() -> None:
    (layer,) = stack_of('[[runtimes]]\nname = "pp"\nrequirements = []\npython_implementation = "pypy@3.10.14"').layers
    layout = EnvironmentLayout.of(layer, PLATFORMS["linux_x86_64"])
    assert (layout.interpreter, layout.site_dir) == ("bin/pypy3.10", "lib/pypy3.10/site-packages")


def test_the_standard_library_is_around_site_packages() -> None:
    python = PythonImplementation.parse("pypy@3.11.13")
    assert EnvironmentLayout.of_python(python, PLATFORMS["linux_x86_64"]).library == "lib/pypy3.11"
    assert EnvironmentLayout.of_python(python, PLATFORMS["win_amd64"]).library == "Lib"


def test_lock_files_have_no_further_dots_in_their_names() -> None:
    layer = stack_of(SMALL.replace('"py"', '"cpython@3.11"')).by_env_name["cpython@3.11"]
    layout, folder = StackLayout(), "requirements/cpython@3.11"
    assert layout.lock_file(layer) == f"{folder}/pylock.cpython@3_11.toml"
    assert layout.lock_metadata(layer) == f"{folder}/pylock.cpython@3_11.meta.json"
    assert layout.declared_requirements(layer) == f"{folder}/requirements-cpython@3_11.in"
    assert layout.package_summary(layer) == f"{folder}/packages-cpython@3.11.txt"


@pytest.mark.parametrize(("tag", "suffix"), [(None, ""), ("linux_x86_64", "-linux_x86_64")])
def test_published_metadata(tag: str | None, suffix: str) -> None:
    layer = stack_of(SMALL).by_env_name["app-app"]
    layout = StackLayout()
    assert layout.stack_manifest("out", tag) == f"out/__venvstacks__/venvstacks{suffix}.json"
    assert layout.published_metadata("out", layer, tag) == f"out/__venvstacks__/env_metadata/app-app{suffix}.json"


def test_everything_of_a_build_is_in_its_build_folder() -> None:
    layer = stack_of(SMALL).by_env_name["app-app"]
    layout = StackLayout(build="elsewhere")
    state = "elsewhere/.venvstacks"
    assert layout.environment(layer) == "elsewhere/app-app"
    assert layout.record("build", layer) == f"{state}/build/app-app.json"
    assert layout.log("build:app-app") == f"{state}/logs/build-app-app.log"
    assert (layout.state, layout.task_state, layout.staging) == (state, f"{state}/state.db", f"{state}/staging")
