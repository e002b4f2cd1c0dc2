from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.locked_layers import lock_of, locked
from venvstacks.actions.building.unsafe_wheels import check_local_wheels
from venvstacks.errors import BuildError
from venvstacks.locking.locks import LayerLock, Wheel


def locked_wheel(folder: Path, *members: str) -> LayerLock:
    path = make_wheel(folder / "wheels", "frog", "1.0", files=dict.fromkeys(members, b""))
    wheel = Wheel(f"../wheels/{path.name}", (("sha256", "0" * 64),), is_path=True)
    return lock_of(replace(locked("frog"), wheels=(wheel,)), locked("toad"))


def test_long_lists_of_members_are_cut(tmp_path: Path) -> None:
    lock = locked_wheel(tmp_path, "frog.py", *(f"../{number}" for number in range(8)))
    with pytest.raises(BuildError, match="layer 'x': the wheel of frog") as caught:
        check_local_wheels(tmp_path / "missing", lock, "x", BuildError)
    assert caught.value.details == ("frog: ../0, ../1, ../2, ../3, ../4 and 3 more",)


def test_sound_missing_and_broken_wheels_are_not_this_checks_affair(tmp_path: Path) -> None:
    lock = locked_wheel(tmp_path, "frog.py")
    check_local_wheels(tmp_path / "missing", lock, "x", BuildError)
    for wheel in (tmp_path / "wheels").iterdir():
        wheel.write_bytes(b"no wheel")
    check_local_wheels(tmp_path / "missing", lock, "x", BuildError)
    check_local_wheels(tmp_path / "elsewhere/missing", lock, "x", BuildError)
