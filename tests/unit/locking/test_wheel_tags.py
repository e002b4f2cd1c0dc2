from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.locked_layers import lock_of, runtime
from venvstacks.locking.locks import LockedPackage, Wheel
from venvstacks.locking.wheel_tags import misfits
from venvstacks.model.platforms import PLATFORMS, PythonImplementation


def fitting(tag: str, **layer: object) -> list[str]:
    """The targets that a wheel with a tag fits."""
    declared = replace(runtime("base", targets=tuple(PLATFORMS)), **layer)  # type: ignore[arg-type]
    found = []
    for target in PLATFORMS:
        wheel = Wheel(f"https://h/frog-1.0-{tag}.whl", (("sha256", "0"),), is_archive=True)
        package = LockedPackage("frog", "1.0", (target,), (wheel,))
        if not misfits(declared, lock_of(package, targets=tuple(PLATFORMS))):
            found.append(target)
    return found


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("py3-none-any", list(PLATFORMS)),
        ("py2.py3-none-any", list(PLATFORMS)),
        ("cp311-cp311-manylinux_2_28_x86_64", ["linux_x86_64"]),
        ("cp311-cp311-manylinux_2_29_x86_64", []),
        ("cp37-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64", ["linux_aarch64"]),
        ("cp311-cp311-manylinux1_x86_64", ["linux_x86_64"]),
        ("cp311-cp311-linux_x86_64", ["linux_x86_64"]),
        ("cp311-cp311-musllinux_1_2_x86_64", []),
        ("cp312-cp312-linux_x86_64", []),
        ("cp311-cp311-macosx_11_0_universal2", ["macosx_arm64", "macosx_x86_64"]),
        ("cp311-cp311-macosx_14_0_arm64", []),
        ("cp311-none-win_arm64", ["win_arm64"]),
        ("pp311-pypy311_pp73-win_amd64", []),
    ],
)
def test_wheels_of_a_layer_for_python_311(tag: str, expected: list[str]) -> None:
    assert fitting(tag) == expected


def test_older_systems_newer_systems_and_pypy() -> None:
    assert fitting("cp311-cp311-manylinux_2_35_x86_64", glibc="2.35") == ["linux_x86_64"]
    assert fitting("cp311-cp311-macosx_14_0_arm64", macos="14") == ["macosx_arm64"]
    pypy = PythonImplementation.parse("pypy@3.11.13")
    assert fitting("pp311-pypy311_pp73-win_amd64", python=pypy) == ["win_amd64"]
    assert fitting("py3-none-any", python=pypy) == list(PLATFORMS)
