from __future__ import annotations

import pytest
from packaging.markers import Marker

from venvstacks.model.platforms import PLATFORMS, PythonImplementation, identify_platform

CPYTHON = PythonImplementation("cpython", "3.11.7")


@pytest.mark.parametrize(
    ("sys_platform", "machine", "expected"),
    [
        ("linux", "x86_64", "linux_x86_64"),
        ("linux", "aarch64", "linux_aarch64"),
        ("darwin", "arm64", "macosx_arm64"),
        ("darwin", "x86_64", "macosx_x86_64"),
        ("win32", "AMD64", "win_amd64"),
        ("win32", "ARM64", "win_arm64"),
        ("linux", "riscv64", None),
        ("linux", "arm64", None),
        ("freebsd14", "amd64", None),
        ("emscripten", "wasm32", None),
    ],
)
def test_identifying_machines(sys_platform: str, machine: str, expected: str | None) -> None:
    found = identify_platform(sys_platform, machine)
    assert (found.name if found else None) == expected


@pytest.mark.parametrize("name", PLATFORMS)
def test_marker_of_a_platform_holds_there_only(name: str) -> None:
    marker = Marker(PLATFORMS[name].marker)
    holding = [other for other, target in PLATFORMS.items() if marker.evaluate(target.marker_environment(CPYTHON))]
    assert holding == [name]


@pytest.mark.parametrize(
    ("marker", "where"),
    [
        ("os_name == 'nt'", {"win_amd64", "win_arm64"}),
        ("sys_platform == 'win32' and platform_machine == 'AMD64'", {"win_amd64"}),
        ("platform_system == 'Darwin' and platform_machine == 'arm64'", {"macosx_arm64"}),
        ("platform_system == 'Linux'", {"linux_x86_64", "linux_aarch64"}),
        ("python_version < '3.12' and python_full_version >= '3.11.7'", set(PLATFORMS)),
        ("platform_python_implementation == 'CPython' and implementation_name == 'cpython'", set(PLATFORMS)),
        ("implementation_version >= '3.12'", set()),
    ],
)
def test_marker_environments(marker: str, where: set[str]) -> None:
    parsed = Marker(marker)
    holding = {name for name, target in PLATFORMS.items() if parsed.evaluate(target.marker_environment(CPYTHON))}
    assert holding == where


def test_marker_environment_names_every_variable_of_the_standard() -> None:
    from packaging.markers import default_environment  # noqa: PLC0415

    assert set(PLATFORMS["linux_x86_64"].marker_environment(CPYTHON)) == set(default_environment())


def test_platforms_as_uv_names_them() -> None:
    assert {name: target.uv_platform("2.28") for name, target in PLATFORMS.items()} == {
        "win_amd64": "x86_64-pc-windows-msvc",
        "win_arm64": "aarch64-pc-windows-msvc",
        "linux_x86_64": "x86_64-manylinux_2_28",
        "linux_aarch64": "aarch64-manylinux_2_28",
        "macosx_arm64": "aarch64-apple-darwin",
        "macosx_x86_64": "x86_64-apple-darwin",
    }


def test_library_path_variables() -> None:
    assert {target.system: target.dynamic_library_variable for target in PLATFORMS.values()} == {
        "win": None,
        "linux": "LD_LIBRARY_PATH",
        "macosx": "DYLD_FALLBACK_LIBRARY_PATH",
    }


@pytest.mark.parametrize(
    ("text", "short", "versioned"),
    [
        ("cpython@3.11.7", "3.11", "python3.11"),
        ("cpython@3.14.0b1", "3.14", "python3.14"),
        ("pypy@3.10.14", "3.10", "pypy3.10"),
    ],
)
def test_python_implementations(text: str, short: str, versioned: str) -> None:
    python = PythonImplementation.parse(text)
    assert (str(python), python.short_version, python.versioned_name) == (text, short, versioned)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpython",
        "cpython@3.11",
        "3.11.7",
        "jython@2.7.3",
        "cpython@3.13.0x1",
        "cpython@3.13rc1",
        "CPython@3.11.7",
        "cpython@3.11.\u0667",
        f"cpython@3.11.{'7' * 5000}",
    ],
)
def test_what_is_no_python_implementation(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not of the form 'cpython@X.Y.Z'"):
        PythonImplementation.parse(text)
