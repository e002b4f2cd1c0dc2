from __future__ import annotations

import json

import pytest

from tests.support.locked_layers import THREE, lock_of, locked
from venvstacks.locking.lock_changes import (
    LockChanges,
    compare_locks,
    compare_with_lower,
    describe_changes,
    moved_packages,
)
from venvstacks.locking.locks import LockedPackage, Wheel

A1, A2, B1 = locked("a", "1.0"), locked("a", "2.0"), locked("b", "1.0")


def shared(name: str, version: str, provider: str = "base") -> LockedPackage:
    return LockedPackage(name, version, THREE, (), provider)


def lines(**layers: LockChanges) -> list[str]:
    return list(describe_changes(layers))


def test_packages_come_go_and_change() -> None:
    changes = compare_locks(lock_of(A1, B1), lock_of(A2, locked("c", "3")))
    assert lines(base=changes) == ["base:", "  ~ a 1.0 -> 2.0", "  - b 1.0", "  + c 3"]


def test_a_first_lock_adds_everything() -> None:
    assert lines(base=compare_locks(None, lock_of(A1))) == ["base:", "  + a 1.0"]


@pytest.mark.parametrize("before", [lock_of(A1), lock_of(A1, shared("x", "1"))])
def test_the_same_installations_are_no_change(before: object) -> None:
    changes = compare_locks(before, lock_of(A1))  # type: ignore[arg-type]
    assert not changes
    assert lines(base=changes) == []


def test_versions_that_differ_between_targets_are_reported_together() -> None:
    mixed = lock_of(locked("a", "1.0", THREE[:1]), locked("a", "2.0", THREE[1:]))
    assert lines(base=compare_locks(lock_of(A1), mixed)) == ["base:", "  ~ a 1.0 -> 1.0 and 2.0"]


def test_other_files_of_the_same_version_are_reported() -> None:
    rebuilt = LockedPackage("a", "1.0", THREE, (Wheel("u/a-1.0-py3-none-any.whl", (("sha256", "1" * 64),)),))
    assert lines(base=compare_locks(lock_of(A1), lock_of(rebuilt))) == ["base:", "  ~ a 1.0, other files"]


def test_the_same_file_at_another_place_is_no_change() -> None:
    moved = LockedPackage("a", "1.0", THREE, (Wheel("m/a-1.0-py3-none-any.whl", A1.wheels[0].hashes),))
    assert not compare_locks(lock_of(A1), lock_of(moved))


def test_packages_that_moved_between_layers_are_reported_in_both() -> None:
    layers = {"low": compare_locks(lock_of(), lock_of(A1)), "high": compare_locks(lock_of(A1), lock_of())}
    assert list(describe_changes(layers)) == [
        "low:", "  + a 1.0  (was in high)", "high:", "  - a 1.0  (now in low)",
    ]  # fmt: skip
    assert moved_packages(layers) == {"a": (("high",), ("low",))}


def test_changes_survive_json() -> None:
    changes = compare_locks(lock_of(A1, B1), lock_of(A2, locked("c")))
    assert LockChanges.from_json(json.loads(json.dumps(changes.as_json()))) == changes


@pytest.mark.parametrize(
    ("lower", "expected"),
    [
        (lock_of(A1, B1), None),
        (lock_of(A2), ("a 1.0", "a 2.0")),
        (lock_of(B1), ("a 1.0", "no a")),
        (lock_of(locked("a", "1.0", THREE[:1]), locked("a", "2.0", THREE[1:])), ("a 1.0", "a 1.0, a 2.0")),
    ],
)
def test_what_a_layer_takes_from_below_is_compared(lower: object, expected: object) -> None:
    assert compare_with_lower(lock_of(shared("a", "1.0"), B1), "base", lower) == expected  # type: ignore[arg-type]
