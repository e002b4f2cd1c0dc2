"""Projects that the original venvstacks locked go on: locks hold by its rules, pins, numbers and times stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.locking.conftest import Bench
from tests.support.locked_layers import THREE, framework, runtime
from tests.support.original_locks import LOCKED_AT, text_of_08, write_lock_of_07, write_lock_of_08
from venvstacks.digests import sha256_file
from venvstacks.errors import LockError, StaleLockError
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.stack import Layer

SHARED = "sys_platform == 'from_lower_layer'"


def beta(bench: Bench, version: str = "1.0") -> dict[str, str]:
    wheel = bench.wheels / f"beta-{version}-py3-none-any.whl"
    return {
        "name": "beta",
        "version": version,
        "wheel": f"../../wheelhouse/{wheel.name}",
        "sha256": sha256_file(wheel),
    }


def versions(bench: Bench, layer: Layer, **more: object) -> dict[str, set[str]]:
    lock = bench.lock(layer, **more).after
    found: dict[str, set[str]] = {}
    for package in lock.packages:
        found.setdefault(package.name, set()).add(package.version)
    return found


@pytest.fixture
def stack(bench: Bench) -> tuple[Layer, Layer]:
    """A runtime and a versioned framework on it, both locked by 0.8 to what is not the newest."""
    base = runtime("base", ["beta"])
    upper = framework("upper", ["beta", "gamma"], base, versioned=True)
    gamma = bench.wheels / "gamma-1.0-py3-none-any.whl"
    listed = {"name": "gamma", "version": "1.0", "wheel": f"../../wheelhouse/{gamma.name}"}
    write_lock_of_08(bench.base, base, text_of_08([beta(bench)]))
    packages = [
        {"name": "beta", "version": "1.0", "marker": f"(sys_platform != 'never') and {SHARED}"},
        {**listed, "sha256": sha256_file(gamma)},
    ]
    write_lock_of_08(bench.base, upper, text_of_08(packages), version=3)
    return base, upper


def test_locks_of_08_are_valid_and_used_as_they_are(bench: Bench, stack: tuple[Layer, Layer]) -> None:
    for layer in stack:
        before = bench.texts(layer)
        assert bench.reasons(layer, local_wheel_dirs=()) == ()
        for policy in ("require-valid", "if-needed"):
            result = bench.lock(layer, policy=policy, use_index=False, local_wheel_dirs=())
            assert not result.resolved
        assert bench.texts(layer) == before


def test_a_missing_companion_of_a_lock_of_08_is_written_without_touching_the_lock(
    bench: Bench, stack: tuple[Layer, Layer]
) -> None:
    paths = bench.paths(stack[0])
    paths.summary.unlink()
    before = paths.lock.read_bytes()
    bench.lock(stack[0], policy="require-valid")
    assert "beta==1.0" in paths.summary.read_text()
    assert paths.lock.read_bytes() == before


def test_the_next_lock_keeps_versions_number_and_time(bench: Bench, stack: tuple[Layer, Layer]) -> None:
    for layer, number in zip(stack, (1, 3), strict=True):
        result = bench.lock(layer)
        assert result.resolved
        assert result.changed
        assert (result.metadata.lock_version, result.metadata.locked_at) == (number, LOCKED_AT)
        assert bench.reasons(layer) == ()
        assert not result.changes
        assert {p.version for p in result.after.packages if p.name == "beta"} == {"1.0"}
        again = bench.lock(layer)
        assert not again.changed
        assert again.metadata == result.metadata


def test_new_requirements_make_a_lock_of_08_stale_and_raise_the_version(
    bench: Bench, stack: tuple[Layer, Layer]
) -> None:
    upper = replace(stack[1], requirements=("beta", "gamma", "alpha"))
    assert [reason.subject for reason in bench.reasons(upper)] == ["requirements"]
    before = bench.texts(upper)
    with pytest.raises(StaleLockError, match="does not fit its inputs"):
        bench.lock(upper, policy="require-valid")
    assert bench.texts(upper) == before
    bench.lock(stack[0])
    result = bench.lock(upper, policy="if-needed")
    assert result.metadata.lock_version == 4
    assert result.metadata.locked_at != LOCKED_AT


def test_a_new_name_of_a_versioned_layer_raises_its_version_alone(bench: Bench, stack: tuple[Layer, Layer]) -> None:
    base = replace(stack[0], versioned=True)
    assert "versioned" in bench.reasons(base)[0].subject
    result = bench.lock(base, policy="if-needed")
    assert (result.metadata.lock_version, result.metadata.locked_at) == (2, LOCKED_AT)


def test_an_edited_lock_of_08_is_seen_as_such(bench: Bench, stack: tuple[Layer, Layer]) -> None:
    lock = bench.paths(stack[0]).lock
    lock.write_text(lock.read_text().replace("1.0-py3", "1.1-py3"))
    assert "changed since it was locked" in str(bench.reasons(stack[0])[0])
    with pytest.raises(StaleLockError, match="was damaged or edited"):
        bench.lock(stack[0], policy="require-valid")


def test_a_changed_lower_lock_makes_one_of_08_stale(bench: Bench, stack: tuple[Layer, Layer]) -> None:
    base, upper = stack
    write_lock_of_08(bench.base, base, text_of_08([beta(bench, "2.0")]))
    assert [str(reason) for reason in bench.reasons(upper)] == [
        "changed input: locks of the layers below: beta 1.0 -> 2.0"
    ]


def test_only_the_platforms_of_the_layer_itself_matter(bench: Bench) -> None:
    """0.8 writes no markers for platforms that the upper layer is not for."""
    base = runtime("base", ["beta; sys_platform == 'win32'"])
    upper = replace(framework("upper", ["beta"], base), platforms=(PLATFORMS["win_amd64"],))
    write_lock_of_08(bench.base, base, text_of_08([beta(bench) | {"marker": "sys_platform == 'win32'"}]))
    write_lock_of_08(bench.base, upper, text_of_08([{"name": "beta", "version": "1.0", "marker": SHARED}]))
    assert bench.reasons(upper) == ()


@pytest.mark.parametrize("release", ["0.4", "0.5", "0.7"])
def test_a_lock_of_one_platform_is_never_replaced_unasked(bench: Bench, release: str) -> None:
    layer = runtime("base", ["beta"], versioned=True)
    write_lock_of_07(bench.base, layer, {"beta": "1.0"}, version=3, release=release)
    folder = bench.base / "requirements" / "base"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(StaleLockError, match=r"has the form of venvstacks 0\.2 to 0\.7") as caught:
        bench.lock(layer, policy="require-valid")
    assert "venvstacks lock" in (caught.value.hint or "")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("release", ["0.4", "0.5", "0.7"])
@pytest.mark.parametrize("policy", ["renew", "if-needed"])
def test_locks_of_platforms_hand_on_versions_number_and_time(bench: Bench, release: str, policy: str) -> None:
    layer = runtime("base", ["beta"], versioned=True)
    write_lock_of_07(bench.base, layer, {"beta": "1.0"}, version=3, release=release)
    write_lock_of_07(bench.base, layer, {"beta": "1.0"}, version=2, release=release, target="win_amd64")
    result = bench.lock(layer, policy=policy)
    assert {package.version for package in result.after.packages} == {"1.0"}
    assert {target for package in result.after.packages for target in package.targets} == set(THREE)
    assert (result.metadata.lock_version, result.metadata.locked_at) == (3, LOCKED_AT)
    assert bench.reasons(layer) == ()
    assert bench.lock(layer, policy="require-valid").metadata == result.metadata
    assert not result.changes


def test_what_comes_from_a_lower_layer_is_no_change_either(bench: Bench) -> None:
    base = runtime("base", ["beta"])
    upper = framework("upper", ["gamma"], base)
    write_lock_of_07(bench.base, base, {"beta": "1.0"})
    write_lock_of_07(bench.base, upper, {"beta": "1.0", "gamma": "0.9"})
    assert not bench.lock(base).changes
    changes = bench.lock(upper).changes
    assert changes.as_json() == {
        "added": {},
        "removed": {},
        "changed": {"gamma": {"from": ["0.9"], "to": ["1.0"]}},
        "rebuilt": {},
    }


def test_a_version_that_changes_raises_the_number_of_a_lock_of_07(bench: Bench) -> None:
    layer = runtime("base", ["beta>1"], versioned=True)
    write_lock_of_07(bench.base, runtime("base", ["beta"], versioned=True), {"beta": "1.0"}, version=3)
    result = bench.lock(layer)
    assert result.metadata.lock_version == 4
    assert result.metadata.locked_at != LOCKED_AT


def test_an_edited_lock_of_07_keeps_its_versions_but_not_its_number(bench: Bench) -> None:
    layer = runtime("base", ["beta"], versioned=True)
    write_lock_of_07(bench.base, layer, {"beta": "2.0"}, version=3)
    place = bench.base / "requirements/base/requirements-base-linux_x86_64.txt"
    place.write_text(place.read_text().replace("2.0", "1.0") + "-e ./frog\nfrog @ https://h/frog.whl\n")
    result = bench.lock(layer)
    assert {package.version for package in result.after.packages} == {"1.0"}
    assert result.metadata.lock_version == 4
    assert result.notes == (
        "the earlier lock of layer 'base': line 'frog @ https://h/frog.whl' of the lock for linux_x86_64 is no pin",
    )


def test_an_entry_that_cannot_be_read_costs_no_other_its_pin(bench: Bench, stack: tuple[Layer, Layer]) -> None:
    lock = bench.paths(stack[1]).lock
    bench.lock(stack[0])
    lock.write_text(lock.read_text() + '\n[[packages]]\nname = "toad"\nversion = "1"\nmarker = "nonsense"\n')
    result = bench.lock(stack[1])
    assert {p.version for p in result.after.packages if p.name == "beta"} == {"1.0"}
    assert len(result.notes) == 1
    assert "package toad" in result.notes[0]


@pytest.mark.parametrize(
    "text", ['lock-version = "2.0"\npackages = [{ name = "beta" }]', "packages = [[", "[[packages]]\n["]
)
def test_a_lock_that_cannot_be_read_is_not_dropped(bench: Bench, text: str) -> None:
    layer = runtime("base", ["beta"])
    bench.lock(layer)
    lock = bench.paths(layer).lock
    lock.write_text(text)
    for policy in ("renew", "if-needed"):
        with pytest.raises(LockError, match="versions cannot be kept") as caught:
            bench.lock(layer, policy=policy)
        assert "--reset-lock base" in (caught.value.hint or "")
    assert lock.read_text() == text
    assert versions(bench, layer, ignore_pins=True) == {"beta": {"2.0"}}


def test_a_lock_of_ours_that_lists_shared_packages_alone_keeps_number_and_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As this program did once."""
    import venvstacks.actions.locking.lock as locking  # noqa: PLC0415
    from venvstacks.locking.locks import LayerLock  # noqa: PLC0415
    from venvstacks.locking.pylock_text import format_lock  # noqa: PLC0415

    def without_shared_wheels(lock: LayerLock) -> str:
        packages = tuple(replace(p, wheels=() if p.is_shared else p.wheels) for p in lock.packages)
        return format_lock(replace(lock, packages=packages))

    base = runtime("base", ["beta"])
    upper = framework("upper", ["alpha"], base, versioned=True)
    bench.lock(base)
    with monkeypatch.context() as patch:
        patch.setattr(locking, "format_lock", without_shared_wheels)
        before = bench.lock(upper)
    assert bench.reasons(upper) == ()
    after = bench.lock(upper)
    assert after.changed
    assert (after.metadata.lock_version, after.metadata.locked_at) == (1, before.metadata.locked_at)
