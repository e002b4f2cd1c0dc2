from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from venvstacks.locking.lock_metadata import LockedFrom, LockMetadata, WantedLock, hash_lock, parse_metadata
from venvstacks.locking.lock_staleness import stale_reasons
from venvstacks.locking.next_lock import EarlierLock, next_metadata

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2031, 1, 1, tzinfo=UTC)
TEXT = "the lock\n"


def source(*, versioned: bool = False, **changes: Any) -> LockedFrom:
    table: dict[str, Any] = {
        "inputs": {"requirements": ["a>1"], "python": "cpython@3.11.7", "targets": ["linux_x86_64"], "uv": {}},
        "below": {"base": "sha256:1"},
        "local_wheels": {"w/a.whl": "sha256:2"},
        "version_inputs": {"environment": "f", "versioned": versioned},
    }
    return LockedFrom(**(table | changes))


def renewed(old: LockMetadata | None, text: str, made_from: LockedFrom, now: datetime = LATER) -> LockMetadata:
    return next_metadata(EarlierLock.of(old, text, made_from) if old else None, text, made_from, now=now, uv={})


def metadata(made_from: LockedFrom | None = None, old: LockMetadata | None = None, text: str = TEXT) -> LockMetadata:
    return renewed(old, text, made_from or source(), now=NOW)


def wanted(**changes: Any) -> WantedLock:
    made = source()
    table = {"inputs": made.inputs, "version_inputs": made.version_inputs, "below": made.below}
    return WantedLock(**({**table, "local_wheels": made.local_wheels} | changes))


def reasons_of(*arguments: Any, **more: Any) -> list[str]:
    return [str(reason) for reason in stale_reasons(*arguments, **more)]


def test_metadata_survives_its_file_and_has_the_keys_of_08() -> None:
    text = metadata().to_text()
    assert parse_metadata(text) == metadata()
    assert set(json.loads(text)) == {
        "requirements_hash", "lock_input_hash", "other_inputs_hash", "version_inputs_hash", "lock_version",
        "locked_at", "venvstacks",
    }  # fmt: skip
    assert json.loads(text)["locked_at"] == "2030-01-02T03:04:05+00:00"


def test_an_unchanged_lock_is_valid_whatever_its_line_ends() -> None:
    assert reasons_of(metadata(), TEXT, wanted()) == []
    assert reasons_of(metadata(), TEXT.replace("\n", "\r\n"), wanted()) == []


INPUTS = source().inputs


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"inputs": INPUTS | {"requirements": ["a>2"]}}, ["changed setting: requirements: a>1 -> a>2"]),
        (
            {"inputs": INPUTS | {"python": "cpython@3.11.8"}},
            ["changed setting: python: cpython@3.11.7 -> cpython@3.11.8"],
        ),
        ({"inputs": INPUTS | {"targets": []}}, ["changed setting: targets: linux_x86_64 -> nothing"]),
        ({"inputs": INPUTS | {"uv": {"no-index": True}}}, ["changed setting: uv.no-index: nothing -> true"]),
        ({"below": {"base": "sha256:9"}}, ["changed input: lock of layer base: sha256:1 -> sha256:9"]),
        (
            {"below": {"base": "sha256:9"}, "lower_changes": {"base": ("a 1", "a 2")}},
            ["changed input: lock of layer base: a 1 -> a 2"],
        ),
        ({"below": {"base": None}}, ["missing input: lock of layer base"]),
        ({"below": {}}, ["dropped input: lock of layer base"]),
        ({"local_wheels": {"w/a.whl": "sha256:9"}}, ["changed input: local wheel w/a.whl: sha256:2 -> sha256:9"]),
        ({"local_wheels": {"w/a.whl": "sha256:2", "w/b.whl": "sha256:3"}}, ["new input: local wheel w/b.whl"]),
        (
            {"version_inputs": {"environment": "f", "versioned": True}},
            ["changed setting: versioned: false -> true"],
        ),
    ],
)
def test_a_stale_lock_says_what_changed(changes: dict[str, Any], expected: list[str]) -> None:
    assert reasons_of(metadata(), TEXT, wanted(**changes)) == expected


def test_a_lock_for_an_older_system_than_that_of_the_layers_below_stays_valid() -> None:
    old = metadata(source(inputs=INPUTS | {"glibc": "2.28"}))
    now = {"inputs": INPUTS | {"glibc": "2.34"}, "targets_alone": {"glibc": "2.28"}}
    assert reasons_of(old, TEXT, wanted(**now)) == []
    assert reasons_of(old, TEXT, wanted(**now | {"targets_alone": {}})) == ["changed setting: glibc: 2.28 -> 2.34"]
    older = metadata(source(inputs=INPUTS | {"glibc": "2.17"}))
    assert reasons_of(older, TEXT, wanted(**now)) == ["changed setting: glibc: 2.17 -> 2.34"]


def test_damage_is_reported_before_anything_else() -> None:
    assert reasons_of(None, None, wanted()) == ["missing output: lock file"]
    assert reasons_of(None, TEXT, wanted()) == ["missing output: lock metadata"]
    assert reasons_of(None, TEXT, wanted(), fault="bad") == ["invalid record: the lock metadata is damaged (bad)"]
    assert "changed since it was locked" in reasons_of(metadata(), TEXT + "x", wanted())[0]
    assert "merge-conflict" in reasons_of(metadata(), "<<<<<<< HEAD\n", wanted())[0]
    original = metadata().model_copy(update={"venvstacks": None})
    assert "does not name" in reasons_of(original, TEXT, wanted())[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lock_version": 0}, "lock_version"),
        ({"lock_input_hash": "sha256:" + "0" * 64}, "do not fit"),
        ({"unknown": 1}, "unknown"),
        ({"requirements_hash": "md5:1"}, "requirements_hash"),
    ],
)
def test_damaged_metadata_says_how(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_metadata(json.dumps(json.loads(metadata().to_text()) | change))


def test_text_that_is_no_json_is_damaged_metadata() -> None:
    with pytest.raises(ValueError, match="invalid JSON"):
        parse_metadata("<<<<<<<")


def test_same_content_keeps_time_and_version_although_inputs_changed() -> None:
    before = metadata(source(versioned=True))
    after = renewed(before, TEXT, source(versioned=True, below={"base": "sha256:5"}))
    assert (after.locked_at, after.lock_version) == (before.locked_at, 1)
    assert after.other_inputs_hash != before.other_inputs_hash


@pytest.mark.parametrize(
    ("versioned", "text", "inputs", "version"),
    [
        (True, TEXT, {}, 1),
        (True, "another\n", {}, 2),
        (True, TEXT, {"modules": {"app": "sha256:1"}}, 2),
        (False, "another\n", {}, 1),
    ],
)
def test_versions_count_content_and_version_inputs(
    *,
    versioned: bool,
    text: str,
    inputs: dict[str, Any],
    version: int,
) -> None:
    made = source(versioned=versioned)
    after = made.model_copy(update={"version_inputs": made.version_inputs | inputs})
    assert renewed(metadata(made), text, after).lock_version == version


def test_a_layer_that_is_versioned_again_repeats_no_number() -> None:
    first = metadata(source(versioned=True))
    second = renewed(first, "two\n", source(versioned=True))
    third = renewed(second, "three\n", source())
    fourth = renewed(third, "three\n", source(versioned=True))
    assert [m.lock_version for m in (first, second, third, fourth)] == [1, 2, 2, 3]


@pytest.mark.parametrize(("versioned", "numbered", "version"), [(True, 4, 5), (True, 0, 1), (False, 3, 3)])
def test_damaged_metadata_that_names_a_number_has_it_not_given_twice(
    *, versioned: bool, numbered: int, version: int
) -> None:
    made = source(versioned=versioned)
    assert next_metadata(None, TEXT, made, now=NOW, uv={}, numbered=numbered).lock_version == version


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        ("2024-01-01", "2024-01-02T00:00:00+00:00"),
        ("2024-01-01T10:00:00+02:00", "2024-01-01T08:00:00+00:00"),
        ("1 week", "2030-01-02T03:04:05+00:00"),
    ],
)
def test_exclude_newer_is_the_lock_time(newest: str, expected: str) -> None:
    assert next_metadata(None, TEXT, source(), now=NOW, uv={"exclude-newer": newest}).locked_at == expected


def test_the_hash_of_a_lock_ignores_line_ends() -> None:
    assert hash_lock("a\r\nb\r\n") == hash_lock("a\nb\n") != hash_lock("a\nc\n")
