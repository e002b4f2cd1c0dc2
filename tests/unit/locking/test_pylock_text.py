from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from itertools import combinations

import pytest
from packaging.markers import Marker

from tests.support.locked_layers import PYTHON, THREE, lock_of, locked
from venvstacks.locking.locks import LockedPackage, Wheel
from venvstacks.locking.names_in_text import names_chosen_in
from venvstacks.locking.pylock import parse_lock
from venvstacks.locking.pylock_text import format_lock, pins_text, simplest_marker
from venvstacks.locking.uv_resolution import UnusableLockError
from venvstacks.model.platforms import PLATFORMS

ALL = list(PLATFORMS)
MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("chosen", [some for count in range(1, 7) for some in combinations(ALL, count)])
def test_a_marker_holds_exactly_on_the_chosen_targets(chosen: tuple[str, ...]) -> None:
    marker = simplest_marker(chosen, ALL)
    held = [t for t in ALL if marker is None or Marker(marker).evaluate(dict(PLATFORMS[t].marker_environment(PYTHON)))]
    assert held == list(chosen)
    assert (marker is None) == (len(chosen) == len(ALL))


def test_whole_systems_are_named_as_such() -> None:
    assert simplest_marker(["win_amd64", "win_arm64"], ALL) == "sys_platform == 'win32'"
    assert simplest_marker(["win_amd64"], THREE) == "sys_platform == 'win32'"
    assert simplest_marker(["win_amd64", "linux_x86_64", "linux_aarch64"], ALL) == (
        "(sys_platform == 'win32' and platform_machine == 'AMD64') or sys_platform == 'linux'"
    )


def test_text_is_pep_751_and_a_shared_package_never_matches() -> None:
    wheel = Wheel("../../w/a.whl", (("sha256", "00"),), is_path=True, size=5, upload_time=MOMENT)
    shared = LockedPackage("b", "2.0", THREE[:1], (), "base")
    text = format_lock(lock_of(LockedPackage("a", "1.0", THREE, (wheel,)), shared))
    document = tomllib.loads(text)
    assert document["lock-version"] == "1.0"
    assert document["created-by"] == "venvstacks"
    assert document["requires-python"] == "==3.11.*"
    assert document["environments"] == [PLATFORMS[target].marker for target in THREE]
    first, second = document["packages"]
    assert first == {
        "name": "a",
        "version": "1.0",
        "wheels": [{
            "path": "../../w/a.whl", "size": 5, "hashes": {"sha256": "00"},
            "upload-time": MOMENT,
        }],
    }  # fmt: skip
    assert second["marker"] == "sys_platform == 'from_lower_layer' and (sys_platform == 'win32')"
    assert second["tool"] == {"venvstacks": {"provided-by": "base"}}
    assert "wheels" not in second


def test_names_are_found_in_the_text_of_our_own_locks_only() -> None:
    left_out = LockedPackage("c", "3.0", THREE, (), left_out_by="upper")
    here_and_below = [locked("b", "2.0", THREE[1:]), LockedPackage("b", "2.0", THREE[:1], (), "base")]
    lock = lock_of(locked("a"), *here_and_below, left_out, LockedPackage("d", "4.0", THREE, (), "base"))
    text = format_lock(lock)
    assert names_chosen_in(text) == lock.chosen_names == {"a", "b", "c"}
    assert names_chosen_in(text.replace('created-by = "venvstacks"', 'created-by = "uv"')) is None


def test_a_lock_without_packages_is_complete() -> None:
    assert parse_lock(format_lock(lock_of()), PYTHON) == lock_of()


def test_locks_of_other_tools_are_read_by_their_markers() -> None:
    text = """
        lock-version = "1.0"
        [[packages]]
        name = "A.b"
        version = "1"
        marker = "python_full_version >= '3.11' and os_name == 'nt'"
        wheels = [{ url = "https://h/a_b-1-py3-none-any.whl", hashes = { sha256 = "00" } }]
        [[packages]]
        name = "never"
        version = "1"
        marker = "python_full_version < '3'"
        wheels = [{ url = "https://h/never-1-py3-none-any.whl", hashes = { sha256 = "00" } }]
    """
    lock = parse_lock(text, PYTHON)
    assert [(package.name, package.targets) for package in lock.packages] == [("a-b", ("win_amd64", "win_arm64"))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< HEAD", "not valid TOML"),
        ('lock-version = "1.0"\nenvironments = ["nonsense =="]', "marker cannot be read"),
        ('lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = "1"', "no wheels"),
        ('lock-version = "1.0"\n[[packages]]\nversion = "1"\nwheels = [{}]', "cannot be read"),
    ],
)
def test_unusable_locks_say_why(text: str, message: str) -> None:
    with pytest.raises(UnusableLockError, match=message):
        parse_lock(text, PYTHON)


def test_a_seed_holds_the_pins_of_its_target_only() -> None:
    lock = lock_of(
        locked("a", "1.0", THREE[:1]), locked("a", "2.0", THREE[1:]), LockedPackage("s", "1", THREE, (), "x")
    )
    assert [p["version"] for p in tomllib.loads(pins_text(lock, THREE[0]))["packages"]] == ["1.0"]
    assert [p["version"] for p in tomllib.loads(pins_text(lock, THREE[1]))["packages"]] == ["2.0"]
