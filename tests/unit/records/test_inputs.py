from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from venvstacks.digests import sha256_bytes
from venvstacks.records.input_facts import input_digest, input_facts

METADATA = {"requirements_hash": "sha256:0", "lock_version": 1, "locked_at": "2026", "lock_input_hash": "sha256:1"}


def digest(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return input_digest(folder / name)


def of_metadata(folder: Path, **changes: Any) -> str:
    return digest(folder, "pylock.x.meta.json", json.dumps(METADATA | changes).encode())


def test_a_file_is_its_content(tmp_path: Path) -> None:
    assert digest(tmp_path, "x", b"abc") == sha256_bytes(b"abc")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"lock_input_hash": "sha256:2"}, True),
        ({"later": 1}, True),
        ({"requirements_hash": "sha256:2"}, False),
        ({"lock_version": 2}, False),
        ({"locked_at": "2027"}, False),
    ],
)
def test_of_lock_metadata_only_what_builds_use_counts(tmp_path: Path, changes: dict[str, Any], *, same: bool) -> None:
    assert (of_metadata(tmp_path) == of_metadata(tmp_path, **changes)) is same


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b"7", b"[" * 100_000])
def test_damaged_lock_metadata_is_its_content(tmp_path: Path, content: bytes) -> None:
    assert digest(tmp_path, "pylock.x.meta.json", content) == sha256_bytes(content)


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        input_digest(tmp_path / "none")


LOCK = """
packages = [
    {name = "b", version = "1", wheels = []}, {name = "b", version = "2", wheels = []}, {name = 7.5, version = 3},
    {name = "c", version = "4", wheels = [], tool = {venvstacks = {provided-by = "base"}}},
]
"""


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (LOCK, {"b": "1 and 2", "7.5": "3"}),
        ("packages = [7]", {}),
        ("packages = 7", {}),
        ('packages = [{name = "a", version = "1", tool = 7}]', {}),
        ("", {}),
    ],
)
def test_facts_of_a_lock_are_the_versions_of_what_it_installs(
    tmp_path: Path, content: str, facts: dict[str, str]
) -> None:
    (tmp_path / "pylock.x.toml").write_text(content)
    assert input_facts(tmp_path / "pylock.x.toml") == facts
