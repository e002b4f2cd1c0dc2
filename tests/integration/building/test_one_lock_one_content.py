"""One lock gives one content: wheels that bring the same paths, fetched and installed by a real uv again and again."""

from __future__ import annotations

from pathlib import Path

from tests.support.handmade_wheels import make_wheel
from tests.support.locked_layers import PYTHON, framework, runtime, tools_for
from venvstacks.actions.building.environment_tree import install_wheels
from venvstacks.actions.building.wheel_placement import Scheme, place_wheels
from venvstacks.actions.building.wheel_store import WheelRequest, unpacked_wheels
from venvstacks.digests import scan_tree, sha256_file, tree_digest
from venvstacks.locking.locks import LayerLock, LockedPackage, Wheel
from venvstacks.locking.wheel_choice import WheelTarget
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import PLATFORMS

BUILDS = 12
LINUX = PLATFORMS["linux_x86_64"]
SITE = "lib/python3.11/site-packages"
SCHEME = Scheme(EnvironmentLayout.of(framework("x", [], runtime()), LINUX), is_runtime=False)


def locked(folder: Path, name: str) -> LockedPackage:
    """A wheel of many files, three of which all such wheels bring with another content."""
    files = {f"{name}/m{number}.py": b"x = 1\n" * number for number in range(30)}
    shared = dict.fromkeys(("LICENSE", "tests/__init__.py", f"{name}-1.0.data/data/share/x"), name.encode())
    path = make_wheel(folder, name, "1.0", files={**files, **shared})
    return LockedPackage(
        name, "1.0", (LINUX.name,), (Wheel(path.name, (("sha256", sha256_file(path)),), is_path=True),)
    )


def test_builds_of_one_lock_have_the_same_content(tmp_path: Path) -> None:
    names = ("newt", "frog", "toad", "crab")
    lock = LayerLock(">=3.11", (LINUX.name,), tuple(locked(tmp_path / "wheels", name) for name in names))
    target = WheelTarget(LINUX, PYTHON)
    request = WheelRequest("x", lock, tmp_path / "wheels", target, use_index=False, settings="", log=tmp_path / "log")
    digests, warnings = set(), set()
    for number in range(BUILDS):
        home = tmp_path / f"home{number}"  # uv fetches, unpacks and installs in parallel each time
        placement = place_wheels(unpacked_wheels(request, tools_for(home)), SCHEME, ())
        install_wheels(placement, home / "env", SITE)
        digests.add(tree_digest(scan_tree(home / "env")))
        warnings.add(tuple(placement.warnings))
        assert (home / "env" / SITE / "LICENSE").read_bytes() == b"crab"
    assert len(digests) == len(warnings) == 1
    assert len(warnings.pop()) == 9, "three paths, three wheels that lose each"
