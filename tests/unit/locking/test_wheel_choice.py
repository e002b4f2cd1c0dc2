"""Which of several wheels fits a target."""

from __future__ import annotations

import pytest

from venvstacks.locking.locks import LockedPackage, Wheel
from venvstacks.locking.wheel_choice import WheelTarget, fitting_wheel, wheel_name
from venvstacks.model.platforms import PLATFORMS, PythonImplementation

PYTHON = PythonImplementation.parse("cpython@3.11.7")
PYPY = PythonImplementation.parse("pypy@3.10.14")


def package(*tags: str) -> LockedPackage:
    wheels = [Wheel(f"https://i.invalid/frog-1.0-{tag}.whl", (("sha256", "0" * 64),)) for tag in tags]
    return LockedPackage("frog", "1.0", tuple(PLATFORMS), tuple(wheels))


ALL = (
    "cp311-cp311-macosx_11_0_arm64",
    "cp311-cp311-macosx_14_0_arm64",
    "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp311-cp311-manylinux_2_34_x86_64",
    "cp311-cp311-musllinux_1_2_x86_64",
    "cp311-cp311-win_amd64",
    "cp312-cp312-manylinux_2_17_x86_64",
    "cp39-abi3-manylinux_2_17_aarch64",
    "pp310-pypy310_pp73-manylinux2014_x86_64",
)


@pytest.mark.parametrize(
    ("target", "tags", "expected"),
    [
        (WheelTarget(PLATFORMS["linux_x86_64"], PYTHON, "2.28"), ALL, "manylinux2014_x86_64"),
        (WheelTarget(PLATFORMS["linux_x86_64"], PYTHON, "2.34"), ALL, "manylinux_2_34_x86_64"),
        (WheelTarget(PLATFORMS["linux_x86_64"], PYTHON, "2.12"), ALL, None),
        (WheelTarget(PLATFORMS["linux_aarch64"], PYTHON, "2.17"), ALL, "abi3-manylinux_2_17_aarch64"),
        (WheelTarget(PLATFORMS["macosx_arm64"], PYTHON, macos="13.0"), ALL, "macosx_11_0_arm64"),
        (WheelTarget(PLATFORMS["macosx_arm64"], PYTHON, macos="14"), ALL, "macosx_14_0_arm64"),
        (WheelTarget(PLATFORMS["win_amd64"], PYTHON), ALL, "win_amd64"),
        (WheelTarget(PLATFORMS["win_arm64"], PYTHON), ALL, None),
        (WheelTarget(PLATFORMS["linux_x86_64"], PYPY), ALL, "pypy310_pp73-manylinux2014_x86_64"),
        (WheelTarget(PLATFORMS["linux_x86_64"], PYTHON), ("py3-none-any", *ALL), "manylinux2014_x86_64"),
        (WheelTarget(PLATFORMS["win_arm64"], PYTHON), ("py2.py3-none-any", *ALL), "py2.py3-none-any"),
        (WheelTarget(PLATFORMS["linux_x86_64"], PYTHON), ("cp311-cp311-linux_x86_64",), "linux_x86_64"),
        (WheelTarget(PLATFORMS["macosx_x86_64"], PYTHON), ("py3-none-macosx_10_9_universal2",), "universal2"),
    ],
)
def test_the_best_fitting_wheel(target: WheelTarget, tags: tuple[str, ...], expected: str | None) -> None:
    chosen = fitting_wheel(package(*tags), target)
    assert (chosen and wheel_name(chosen).removesuffix(".whl").endswith(expected or "?")) == (expected and True)


def test_names_are_read_from_urls_and_paths() -> None:
    assert wheel_name(Wheel("https://i.invalid/a/frog-1.0%2Blocal-py3-none-any.whl?x=1#y", ())) == (
        "frog-1.0+local-py3-none-any.whl"
    )
    assert wheel_name(Wheel("../wheels/frog#1/frog-1.0-py3-none-any.whl", (), is_path=True)) == (
        "frog-1.0-py3-none-any.whl"
    )
