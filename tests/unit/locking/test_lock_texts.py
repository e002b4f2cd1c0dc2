from __future__ import annotations

import tomllib

import pytest

from tests.support.locked_layers import THREE, framework, lock_of, locked, runtime
from venvstacks.locking.locks import LockedPackage
from venvstacks.locking.uv_texts import (
    absolute_location,
    constraints_text,
    project_text,
    requirements_text,
    settings_text,
    summary_text,
)

UV = {
    "index": [
        {"name": "one", "url": "https://one.invalid/simple"},
        {"name": "two", "url": "wheels", "format": "flat", "explicit": True},
    ],
    "sources": {"Big_Package": {"index": "one"}, "other": {"index": "one"}},
    "find-links": ["local", "https://links.invalid"],
    "exclude-newer": "2024-01-01",
    "dev-dependencies": ["pytest"],
}


def test_assigned_indexes_replace_sources_and_priority_indexes_come_first() -> None:
    layer = runtime("r", ["big-package"], package_indexes={"big-package": "two"}, priority_indexes=("two",))
    document = tomllib.loads(project_text(layer, UV, "/spec", {"late"}))
    assert document["project"]["dependencies"] == ["big-package", "late"]
    assert document["project"]["requires-python"] == "==3.11.7"
    table = document["tool"]["uv"]
    assert table["sources"] == {"big-package": {"index": "two"}, "other": {"index": "one"}}
    assert table["index"] == [
        {"name": "two", "url": "file:///spec/wheels", "format": "flat"},
        {"name": "one", "url": "https://one.invalid/simple"},
    ]


def test_settings_have_absolute_paths_and_leave_project_keys_out() -> None:
    settings = tomllib.loads(settings_text(runtime(), UV, "/spec"))
    assert settings["find-links"] == ["file:///spec/local", "https://links.invalid"]
    assert settings["exclude-newer"] == "2024-01-02T00:00:00Z"
    assert settings["index"][1]["explicit"] is True
    assert set(settings) == {"index", "find-links", "exclude-newer"}


def test_a_project_is_a_workspace_of_its_own() -> None:
    tool = tomllib.loads(project_text(runtime(), {}, "/spec"))["tool"]
    assert tool == {"uv": {"workspace": {"members": []}}}


def test_constraints_are_sorted_pins() -> None:
    provided = {"b": "2", "a": "1+cpu"}
    assert constraints_text(provided, ["c<3"]) == "a===1+cpu\nb===2\nc<3\n"


def test_requirements_file_repeats_what_is_declared() -> None:
    first, *rest = requirements_text(runtime("r", ["b", "a>1"])).splitlines()
    assert first.startswith("# ")
    assert rest == ["b", "a>1"]


def test_summary_names_platforms_providers_and_differing_versions() -> None:
    base = runtime()
    lock = lock_of(
        locked("alpha", "1.0", THREE[:1]),
        locked("alpha", "2.0", THREE[1:]),
        locked("beta"),
        LockedPackage("gamma", "3.0", THREE, (), "base"),
    )
    assert summary_text(framework("f", ["x"], base), lock).splitlines()[1:] == [
        "alpha==1.0  (win_amd64)",
        "alpha==2.0  (linux_x86_64, macosx_arm64)",
        "beta==1.0",
        "",
        "# From base",
        "gamma==3.0",
        "",
        "# Versions differ between platforms: alpha",
    ]


def test_an_empty_layer_says_so() -> None:
    assert summary_text(runtime(), lock_of()).splitlines()[1:] == ["# (none)"]


@pytest.mark.parametrize(
    ("place", "base", "expected"),
    [
        ("https://index.invalid/simple", "/spec", "https://index.invalid/simple"),
        ("../wheels", "/a/spec", "file:///a/wheels"),
        ("/wheels", "/spec", "file:///wheels"),
        ("wheels", "/a b#1%20/é", "file:///a%20b%231%2520/%C3%A9/wheels"),
        ("wheels", "C:/spec", "file:///C:/spec/wheels"),
    ],
)
def test_places_become_urls(place: str, base: str, expected: str) -> None:
    assert absolute_location(place, base) == expected
