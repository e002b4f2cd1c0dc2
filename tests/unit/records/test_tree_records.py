from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.digests import TreeEntry, tree_digest
from venvstacks.errors import StateError
from venvstacks.linking.provided import Provided
from venvstacks.records.tree_records import BuildRecord, LinkRecord, ProvidedRecord, Record, RuntimeRecord, SourceHash

ENTRIES = (TreeEntry("bin/python", 7, True, "0" * 64), TreeEntry("bin/python3", target="python"))  # noqa: FBT003
RECORDS = [
    BuildRecord(env_name="app-x", entries=ENTRIES, launch_module=SourceHash(name="x", hash="sha256:0")),
    RuntimeRecord(python="cpython@3.11.7", provider="host", build="pyenv", digest="1" * 64, notes=("needs libssl",)),
    ProvidedRecord(provided=Provided({"libx.so": "2" * 64}, ("x.pth",))),
    LinkRecord.of(BuildRecord(env_name="app-x", entries=()), "app-x@3", ENTRIES),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_are_read_as_they_were_written(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(record.text())
    again = type(record).load(path)
    assert again == record
    assert again.text() == record.text()


def test_a_link_record_is_ordered_and_digested() -> None:
    record = LinkRecord.of(BuildRecord(env_name="x", entries=()), "x", reversed(ENTRIES))
    assert record.entries == ENTRIES
    assert record.content_digest == tree_digest(ENTRIES)


paths, digests = st.text(min_size=1, max_size=9), st.text("0123456789abcdef")
entries = st.builds(TreeEntry, paths, st.integers(0, 2**40), st.booleans(), digests, st.none())


@given(st.lists(entries, unique_by=lambda entry: entry.path))
def test_the_text_does_not_depend_on_the_order_of_discovery(found: list[TreeEntry]) -> None:
    build = BuildRecord(env_name="x", entries=())
    assert LinkRecord.of(build, "x", found).text() == LinkRecord.of(build, "x", reversed(found)).text()


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"format": 1, "provided": {}, "later": 1}', b"\xff"])
def test_what_cannot_be_read_is_reported_with_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "record.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StateError, match=r"record\.json cannot be read") as caught:
        ProvidedRecord.load(path)
    assert caught.value.hint == "build the layer again"
