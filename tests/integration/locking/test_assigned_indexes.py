"""Packages that an index is assigned to come from it, wherever they turn up; and nobody gets what nobody needs.

uv honours such an assignment for what a project requires itself only. Other assigned packages are required in the
layer's name, which must show neither in what is installed nor in what is shared.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.locking.conftest import Bench
from tests.support.handmade_wheels import make_wheel
from tests.support.locked_layers import framework, runtime
from venvstacks.locking.locks import LayerLock


@pytest.fixture
def offers(bench: Bench, tmp_path: Path) -> dict[str, Any]:
    """Request settings: the bench's wheels are the default index, and two explicit ones have more.

    special: beta 1.5, which needs colour and delta; second: colour 3.0. The default one: beta 2.0, which needs extra;
    delta, extra 1.0.
    """
    make_wheel(tmp_path / "special", "beta", "1.5", requires=["colour", "delta"])
    make_wheel(tmp_path / "special", "extra", "9.0")
    make_wheel(tmp_path / "second", "colour", "3.0")
    bench.wheel("beta", "2.0", requires=["extra"])
    bench.wheel("delta")
    bench.wheel("extra")
    indexes = [
        {"name": name, "url": (tmp_path / name).as_uri(), "format": "flat", "explicit": True}
        for name in ("special", "second")
    ]
    default = {"name": "all", "url": "wheelhouse", "format": "flat", "default": True}
    return {"uv": {"index": [*indexes, default]}, "use_index": True, "local_wheel_dirs": ()}


def versions(lock: LayerLock, target: str = "linux_x86_64") -> dict[str, str]:
    return {package.name: package.version for package in lock.installed(target)}


ASSIGNED = {"beta": "special", "colour": "second"}


def test_one_that_only_an_assigned_one_needs(bench: Bench, offers: dict[str, Any]) -> None:
    lock = bench.lock(runtime("base", ["alpha"], package_indexes=ASSIGNED), **offers).after
    assert versions(lock) == {"alpha": "1.0", "beta": "1.5", "colour": "3.0", "delta": "1.0"}


def test_one_that_is_not_needed_once_the_other_comes_from_its_index(bench: Bench, offers: dict[str, Any]) -> None:
    assigned = ASSIGNED | {"extra": "special"}
    lock = bench.lock(runtime("base", ["alpha"], package_indexes=assigned), **offers).after
    assert "extra" not in versions(lock)


def test_one_that_the_layer_requires_itself_on_other_targets_only(bench: Bench, offers: dict[str, Any]) -> None:
    layer = runtime("base", ["alpha", "beta; sys_platform == 'win32'"], package_indexes=ASSIGNED)
    lock = bench.lock(layer, **offers).after
    assert versions(lock)["beta"] == versions(lock, "win_amd64")["beta"] == "1.5"


def test_a_lower_layers_is_not_shared_with_a_layer_that_does_not_need_it(bench: Bench, offers: dict[str, Any]) -> None:
    base = runtime("base", ["alpha"], package_indexes=ASSIGNED)
    bench.lock(base, **offers)
    upper = framework("upper", ["delta"], base, package_indexes=ASSIGNED)
    lock = bench.lock(upper, **offers).after
    assert [package.name for package in lock.shared("linux_x86_64")] == ["delta"]


def test_one_that_only_an_excluded_package_needs_is_left_out(bench: Bench, offers: dict[str, Any]) -> None:
    bench.wheel("tool", requires=["alpha"])
    layer = replace(runtime("base", ["tool"], package_indexes=ASSIGNED), exclude=("alpha",))
    lock = bench.lock(layer, **offers).after
    assert versions(lock) == {"tool": "1.0"}
    assert {package.name for package in lock.left_out("linux_x86_64")} == {"alpha", "beta", "colour", "delta"}
