"""What headers of compiled files say about a layer: faults, warnings, facts."""

from __future__ import annotations

from typing import Any

import pytest

from venvstacks.binaries.compiled_file import CompiledFile
from venvstacks.binaries.static_check import LayerFiles, check_files
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.system_libraries import is_system_library

EXTENSION = "lib/python3.11/site-packages/frog/_x.cpython-311-aarch64-linux-gnu.so"


def layer(platform: str, compiled: dict[str, CompiledFile], **settings: Any) -> LayerFiles:
    oldest = "13.0" if platform.startswith("macosx") else "2.28"
    return LayerFiles("frogs", PLATFORMS[platform], oldest, compiled, **settings)


def arm(*needed: str, system: tuple[int, ...] = (2, 17)) -> CompiledFile:
    return CompiledFile(("aarch64",), needed, system)


def test_facts_about_a_layer_that_is_in_order() -> None:
    found = check_files(
        layer(
            "linux_aarch64",
            {EXTENSION: arm("libc.so.6", "libfrog.so.1"), "x/libfrog.so.1": arm(system=(2, 27))},
            names={"libfrog.so.1"},
        )
    )
    assert (found.faults, found.warnings, found.missing) == ((), (), ())
    assert (found.files, found.newest, found.system_libraries) == (2, "glibc 2.27", ("libc.so.6",))


X86 = CompiledFile(("x86_64",), system=(2, 99))


@pytest.mark.parametrize(
    ("platform", "path", "is_fault"),
    [
        ("linux_aarch64", EXTENSION, True),
        ("linux_aarch64", "site/_x.abi3.so", True),
        ("linux_aarch64", "site/_x.cpython-311-x86_64-linux-gnu.so", False),  # no import looks for it
        ("linux_aarch64", "site/attach_linux_amd64.so", False),  # of several, its package chooses one
        ("linux_aarch64", "site/program", False),
        ("win_arm64", "site/_x.pyd", True),
        ("win_arm64", "site/_x.cp311-win_arm64.pyd", True),
        ("win_arm64", "site/_x.cp311-win_amd64.pyd", False),
        ("win_arm64", "site/distlib/t64.exe", False),
        ("macosx_arm64", "site/_x.cpython-311-darwin.so", True),
    ],
)
def test_code_for_another_processor_where_an_import_would_load_it(platform: str, path: str, *, is_fault: bool) -> None:
    found = check_files(layer(platform, {path: X86}))
    assert found.faults == ((f"{path} is not for {PLATFORMS[platform].machine}",) if is_fault else ())
    assert (found.files, found.newest) == (0, "")


def test_python_itself_for_another_processor() -> None:
    files = {"bin/python3.11": X86, "Lib/venv/scripts/nt/python.exe": X86}
    found = check_files(layer("linux_aarch64", files, supplied=files))
    assert found.faults == ("bin/python3.11 is not for aarch64",)


def test_files_for_several_processors() -> None:
    both = CompiledFile(("x86_64", "arm64"), ("/usr/lib/libSystem.B.dylib", "@rpath/libz.dylib"), (11, 0))
    found = check_files(layer("macosx_arm64", {"site/_x.abi3.so": both}, names={"libz.dylib"}))
    assert (found.faults, found.files, found.newest) == ((), 1, "macOS 11.0")
    assert found.system_libraries == ("/usr/lib/libSystem.B.dylib",)


def test_a_system_that_is_newer_than_the_layer_declares() -> None:
    files = {"site/_x.abi3.so": arm(system=(2, 34)), "bin/python3.11": arm(system=(2, 36))}
    found = check_files(layer("linux_aarch64", files, supplied={"bin/python3.11"}))
    assert found.faults == ("site/_x.abi3.so needs glibc 2.34",)
    assert found.warnings == ("layer 'frogs': bin/python3.11 needs glibc 2.36",)


def test_libraries_that_nobody_brings() -> None:
    files = {
        "site/_x.pyd": CompiledFile(("amd64",), ("KERNEL32.dll", "Frog.DLL", "tbb12.dll"), (6, 0)),
        "site/_y.pyd": CompiledFile(("amd64",), ("tbb12.dll",), (6, 0)),
        "DLLs/_tkinter.pyd": CompiledFile(("amd64",), ("tk86t.dll",), (6, 0)),
    }
    found = check_files(layer("win_amd64", files, names={"frog.dll"}, supplied={"DLLs/_tkinter.pyd"}))
    assert (found.faults, found.missing) == ((), ("tbb12.dll", "tk86t.dll"))
    of_python, of_packages = found.warnings
    noted = layer("win_amd64", files, names={"frog.dll"}, supplied={"DLLs/_tkinter.pyd"}, noted={"tk86t.dll"})
    assert check_files(noted).warnings == (of_packages,), "building has warned about it"
    assert of_python == "layer 'frogs': its Python needs libraries of the system that not every machine has: tk86t.dll"
    assert "site/_x.pyd and 1 more need tbb12.dll, which is in no layer" in of_packages


def test_an_absolute_place_on_the_machine_that_compiled_it_is_no_library_of_a_layer() -> None:
    file = CompiledFile(("arm64",), ("/opt/homebrew/lib/libfrog.dylib",), (12, 0))
    found = check_files(layer("macosx_arm64", {"site/_x.abi3.so": file}, names={"libfrog.dylib"}))
    assert found.missing == ("/opt/homebrew/lib/libfrog.dylib",)


@pytest.mark.parametrize(
    ("name", "system", "expected"),
    [
        ("libc.so.6", "linux", True), ("libssl.so.3", "linux", False),
        ("KERNEL32.dll", "win", True), ("api-ms-win-crt-heap-l1-1-0.dll", "win", True), ("MSVCP140.dll", "win", False),
        ("/usr/lib/libc++.1.dylib", "macosx", True), ("/usr/local/lib/libz.dylib", "macosx", False),
        ("/System/Library/Frameworks/Metal.framework/Metal", "macosx", True),
    ],
)  # fmt: skip
def test_libraries_of_systems(name: str, system: Any, *, expected: bool) -> None:
    assert is_system_library(name, system) == expected


def test_what_is_to_be_signed_on_macos_is_listed() -> None:
    files = {"bin/python3.11": CompiledFile(("arm64",)), "site/tool-x86": X86}
    assert check_files(layer("macosx_arm64", files)).mach_files == ("bin/python3.11", "site/tool-x86")
    assert check_files(layer("linux_aarch64", {EXTENSION: arm()})).mach_files is None
