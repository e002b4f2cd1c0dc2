from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.locking.conftest import Bench
from tests.support.locked_layers import THREE, runtime
from venvstacks.locking.locks import LayerLock

LAYER = runtime("base", ["wide", "friend"])


def versions(lock: LayerLock, name: str) -> set[str]:
    return {package.version for package in lock.packages if package.name == name}


@pytest.fixture
def uneven(bench: Bench) -> Bench:
    """wide 2.0 is for Windows alone; friend 2.0 needs it, friend 1.0 does not mind."""
    bench.wheel("wide")
    bench.wheel("wide", "2.0", tag="cp311-cp311-win_amd64")
    bench.wheel("friend")
    bench.wheel("friend", "2.0", requires=["wide>=2"])
    return bench


def test_targets_may_differ_and_the_summary_says_so(uneven: Bench) -> None:
    lock = uneven.lock(LAYER).after
    assert versions(lock, "wide") == {"1.0", "2.0"}
    assert "# Versions differ between platforms: friend, wide" in uneven.paths(LAYER).summary.read_text()


def test_one_version_is_found_for_all(uneven: Bench) -> None:
    lock = uneven.lock(LAYER, align=True).after
    assert (versions(lock, "wide"), versions(lock, "friend")) == ({"1.0"}, {"1.0"})
    assert "differ" not in uneven.paths(LAYER).summary.read_text()
    again = uneven.lock(LAYER)
    assert not again.changed, "what is aligned once stays so, because pins are kept"


def test_a_specification_may_ask_for_it(uneven: Bench) -> None:
    layer = replace(LAYER, align_versions=True)
    assert versions(uneven.lock(layer).after, "wide") == {"1.0"}
    assert uneven.reasons(layer) == ()
    assert [str(reason) for reason in uneven.reasons(LAYER)] == ["changed setting: align-versions: true -> nothing"]


def test_what_has_to_differ_does_and_the_rest_is_aligned(uneven: Bench) -> None:
    markers = ["beta==1.0; sys_platform == 'win32'", "beta==2.0; sys_platform != 'win32'"]
    lock = uneven.lock(runtime("base", [*markers, "wide"], THREE), align=True).after
    assert versions(lock, "beta") == {"1.0", "2.0"}
    assert versions(lock, "wide") == {"1.0"}
