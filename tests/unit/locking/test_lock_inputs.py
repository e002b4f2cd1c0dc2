from __future__ import annotations

import datetime as dt
import json

import pytest

from tests.support.locked_layers import framework, runtime
from venvstacks.locking.lock_inputs import lock_inputs, newest_upload, version_inputs
from venvstacks.model.source_trees import SourceTree


def test_inputs_are_json_values_and_name_what_a_lock_is_made_from() -> None:
    base = runtime("base", targets=("linux_x86_64",))
    layer = framework("f", ["b", "a"], base, package_indexes={"z": "two", "a": "one"}, priority_indexes=("two",))
    table = lock_inputs(layer, {"exclude-newer": dt.date(2024, 1, 1), "index": [{"url": "https://u:p@host/simple"}]})
    assert json.loads(json.dumps(table)) == {
        "requirements": ["b", "a"],
        "python": "cpython@3.11.7",
        "targets": ["linux_x86_64"],
        "below": ["base"],
        "glibc": "2.28",
        "package_indexes": {"a": "one", "z": "two"},
        "priority_indexes": ["two"],
        "uv": {"exclude-newer": "2024-01-01", "index": [{"url": "https://host/simple"}]},
    }


@pytest.mark.parametrize(
    ("target", "present", "absent"),
    [("macosx_arm64", "macos", "glibc"), ("linux_aarch64", "glibc", "macos"), ("win_arm64", "python", "glibc")],
)
def test_versions_of_systems_count_only_where_a_target_has_them(target: str, present: str, absent: str) -> None:
    table = lock_inputs(runtime(targets=(target,)), {})
    assert present in table
    assert absent not in table


@pytest.mark.parametrize("key", ["cache-dir", "link-mode", "dev-dependencies", "no-binary", "upgrade"])
def test_settings_without_effect_on_locks_are_no_inputs(key: str) -> None:
    assert lock_inputs(runtime(), {key: "x"}) == lock_inputs(runtime(), {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-31", "2024-02-01T00:00:00Z"),
        (dt.date(2024, 12, 31), "2025-01-01T00:00:00Z"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("1 week", "1 week"),
        ("2024-13-01", "2024-13-01"),
    ],
)
def test_dates_mean_up_to_their_end_in_utc(value: object, expected: str) -> None:
    assert newest_upload({"exclude-newer": value}) == expected


def test_only_versioned_layers_count_their_modules() -> None:
    launch = SourceTree("app.py", is_package=False, files=("",))
    hashes = {"app": "sha256:1"}
    plain = framework("a", [], runtime(), kind="application", launch=launch)
    versioned = framework("a", [], runtime(), kind="application", launch=launch, versioned=True)
    assert version_inputs(plain, hashes) == {"environment": "app-a", "versioned": False}
    assert version_inputs(versioned, hashes) == {
        "environment": "app-a", "versioned": True, "launch_module": "app", "modules": hashes,
    }  # fmt: skip


def test_a_versioned_runtime_counts_its_python() -> None:
    assert version_inputs(runtime(versioned=True), {})["python"] == "cpython@3.11.7"
