"""A stack whose locks are committed (tests/golden/locks), and the local wheels that they name."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.conftest import GOLDEN
from tests.support.handmade_wheels import make_wheel

COMMITTED = GOLDEN / "locks"


def copy_committed_stack(place: Path) -> Path:
    """Lay the stack out at `place`, as a fresh clone with its wheels has it; the path of the specification."""
    shutil.copytree(COMMITTED, place)
    wheels = place / "wheelhouse"
    everywhere = "manylinux_2_17_x86_64.manylinux_2_17_aarch64.macosx_11_0_arm64.macosx_11_0_x86_64.win_amd64.win_arm64"
    make_wheel(wheels, "frog", "1.0", requires=["tail; extra == 'legs'"], tag=f"cp311-cp311-{everywhere}")
    make_wheel(wheels, "tail", "1.0")
    make_wheel(wheels, "toad", "2.0", requires=["frog", "spawn", "reed>=2"])
    make_wheel(wheels, "spawn", "1.0", requires=["jelly"])
    make_wheel(wheels, "jelly", "1.0")
    make_wheel(wheels, "reed", "1.0")
    make_wheel(wheels, "reed", "2.0")
    make_wheel(wheels, "newt", "1.0", requires=["frog"])
    make_wheel(wheels, "egg", "1.0", tag="cp311-abi3-manylinux_2_34_x86_64.macosx_14_0_arm64.win_amd64")
    make_wheel(wheels, "egg", "2.0")
    make_wheel(wheels, "wide", "1.0")
    make_wheel(wheels, "wide", "2.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    return place / "venvstacks.toml"
