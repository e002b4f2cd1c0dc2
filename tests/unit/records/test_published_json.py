from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.records.test_published_records import metadata
from venvstacks.records.published_json import as_listed, listed_entries, lists_exactly, metadata_text
from venvstacks.records.stack_manifest import manifest_text


def texts(*entries: Any) -> list[bytes]:
    return [metadata_text(entry.as_json()).encode() for entry in entries]


TWO = metadata("one"), metadata("two", product={"kind": "runtime"})


@pytest.mark.parametrize("release", [None, "2.4.1"])
def test_the_manifest_of_some_metadata_lists_exactly_that(release: str | None) -> None:
    manifest = manifest_text(TWO, release)
    assert lists_exactly(manifest, texts(*TWO), release)
    assert not lists_exactly(manifest, texts(*TWO), "3.0")
    assert not lists_exactly(manifest, texts(TWO[0]), release)
    assert not lists_exactly(manifest, texts(TWO[0], metadata("two", product={"file_count": 3})), release)
    assert not lists_exactly(manifest + "\n", texts(*TWO), release)
    assert lists_exactly(manifest_text((), release), [], release)


@pytest.mark.parametrize(
    "manifest",
    ["", "{", "[]", '{"layers": 1}', '{"layers": {"runtimes": [1]}}', '{"layers": {"runtimes": [{}]}}', "[" * 5000],
)
def test_what_is_no_manifest_of_this_program_has_no_entries(manifest: str) -> None:
    assert listed_entries(manifest) == {}
    assert not lists_exactly(manifest, texts(*TWO), None)


def test_metadata_that_the_manifest_does_not_list_word_for_word_needs_a_closer_look() -> None:
    entries = listed_entries(manifest_text(TWO))
    assert as_listed(texts(TWO[0])[0], entries) == TWO[0].as_json()
    others: list[bytes] = [b"", b"{", b"[]", b"{}", b"[" * 5000, *texts(metadata("three"))]
    others.append(metadata_text(TWO[0].as_json() | {"later": 1}).encode())
    assert [as_listed(text, entries) for text in others] == [None] * len(others)


def test_entries_of_another_program_are_not_taken_for_ours() -> None:
    theirs = {name: value for name, value in TWO[0].as_json().items() if name != "venvstacks"}
    manifest = json.dumps({"layers": {"frameworks": [theirs]}})
    assert listed_entries(manifest) == {}
