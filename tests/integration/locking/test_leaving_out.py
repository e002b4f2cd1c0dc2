"""Packages that are resolved but not installed, and metadata that is overridden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.integration.locking.conftest import Bench
from tests.support.locked_layers import THREE, framework, runtime
from venvstacks.errors import LockError
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.pylock import parse_lock
from venvstacks.locking.pylock_text import format_lock
from venvstacks.model.declared import declared_distributions
from venvstacks.model.platforms import PLATFORMS

BASE = runtime("base")


def names(lock: LayerLock, target: str = "linux_x86_64") -> tuple[set[str], set[str], set[str]]:
    """Installed, shared, left out."""
    parts: Sequence[object] = (lock.installed(target), lock.shared(target), lock.left_out(target))
    return tuple({p.name for p in part} for part in parts)  # type: ignore[return-value,attr-defined]


@pytest.fixture
def forge(bench: Bench) -> Bench:
    """tool needs engine and gui; gui needs widgets and common; engine needs common; other needs widgets."""
    bench.lock(BASE)
    bench.wheel("tool", requires=["engine", "gui; sys_platform != 'win32'"])
    bench.wheel("gui", requires=["widgets", "common"])
    bench.wheel("engine", requires=["common"])
    bench.wheel("other", requires=["widgets"])
    for name in ("widgets", "common"):
        bench.wheel(name)
    return bench


def test_an_excluded_package_goes_with_what_only_it_needs(forge: Bench) -> None:
    layer = replace(framework("lower", ["tool"], BASE), exclude=("gui",))
    lock = forge.lock(layer).after
    assert names(lock) == ({"tool", "engine", "common"}, set(), {"gui", "widgets"})
    assert names(lock, "win_amd64") == ({"tool", "engine", "common"}, set(), set())
    text = forge.paths(layer).lock.read_text()
    assert parse_lock(text, layer.python) == lock
    assert format_lock(lock) == text
    assert forge.reasons(layer) == ()


def test_versions_of_what_is_left_out_stay_as_well_until_somebody_upgrades_them(forge: Bench) -> None:
    layer = replace(framework("lower", ["tool"], BASE), exclude=("gui",))
    before = forge.lock(layer).after
    forge.wheel("gui", "2.0", requires=["widgets"])
    assert [reason.kind for reason in forge.reasons(layer)] == ["new input"]
    assert forge.lock(layer).after == before
    lock = forge.lock(layer, upgrade_packages=frozenset({"gui"})).after
    assert {p.name: p.version for p in lock.left_out("linux_x86_64")} == {"gui": "2.0", "widgets": "1.0"}


def test_the_summary_says_what_was_left_out_with_sizes(forge: Bench) -> None:
    layer = replace(framework("lower", ["tool"], BASE), exclude=("gui",))
    forge.lock(layer)
    summary = forge.paths(layer).summary.read_text()
    assert "# Left out, because framework-lower excludes it or all that needs it\ngui==1.0  (" in summary
    assert " kB\nwidgets==1.0  (" in summary
    assert "\n# together " in summary


def test_what_a_lower_layer_left_out_does_not_come_back_above(forge: Bench) -> None:
    lower = replace(framework("lower", ["tool"], BASE), exclude=("gui",))
    upper = framework("upper", ["tool"], lower, BASE)
    forge.lock(lower)
    lock = forge.lock(upper).after
    assert names(lock) == (set(), {"tool", "engine", "common"}, {"gui", "widgets"})
    assert {package.left_out_by for package in lock.left_out("linux_x86_64")} == {"framework-lower"}


def test_who_needs_it_above_gets_it_there(forge: Bench) -> None:
    lower = replace(framework("lower", ["tool"], BASE), exclude=("gui",))
    forge.lock(lower)
    lock = forge.lock(framework("upper", ["tool", "other"], lower, BASE)).after
    assert names(lock) == ({"other", "widgets"}, {"tool", "engine", "common"}, {"gui"})
    lock = forge.lock(framework("asking", ["tool", "gui"], lower, BASE)).after
    assert names(lock)[0] == {"gui", "widgets"}


@pytest.mark.parametrize(
    ("exclude", "message"),
    [("colour", "'colour' is not needed by anything"), ("engine", "'engine' is installed in layer 'framework-lower'")],
)
def test_what_cannot_be_left_out_is_reported(forge: Bench, exclude: str, message: str) -> None:
    lower = framework("lower", ["engine"], BASE)
    forge.lock(lower)
    with pytest.raises(LockError, match="cannot leave out") as caught:
        forge.lock(replace(framework("upper", ["tool"], lower, BASE), exclude=(exclude,)))
    assert message in caught.value.details[0]


def test_the_import_check_asks_for_nothing_that_is_left_out() -> None:
    layer = replace(framework("lower", ["Tool", "gui"], BASE), exclude=("gui",))
    assert declared_distributions(layer, PLATFORMS[THREE[0]]) == ("tool",)


def test_a_change_of_what_is_excluded_makes_the_lock_stale(forge: Bench) -> None:
    layer = framework("lower", ["tool"], BASE)
    forge.lock(layer)
    changed = replace(layer, exclude=("gui",), overrides=("common==1.0",))
    assert [str(reason) for reason in forge.reasons(changed)] == [
        'changed setting: exclude: nothing -> ["gui"]', 'changed setting: overrides: nothing -> ["common==1.0"]',
    ]  # fmt: skip


def test_an_override_beats_wrong_metadata_here_and_above(forge: Bench) -> None:
    forge.wheel("picky", requires=["beta<2"])
    wrong = framework("lower", ["picky", "beta>=2"], BASE)
    with pytest.raises(LockError):
        forge.lock(wrong)
    lower = replace(wrong, overrides=("beta==2.0",))
    forge.lock(lower)
    upper = replace(framework("upper", ["picky"], lower, BASE), overrides=("beta==2.0",))
    assert names(forge.lock(upper).after) == (set(), {"picky", "beta"}, set())
    assert "# Overridden metadata\nbeta==2.0\n" in forge.paths(lower).summary.read_text()
