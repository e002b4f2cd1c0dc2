"""Files are read again whenever they may have been touched, and not otherwise."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.support.capabilities import needs_times_of_change
from venvstacks.digests import sha256_bytes, sha256_file
from venvstacks.records import remembered_digests as remembered
from venvstacks.records.remembered_digests import RememberedDigests

LARGE = b"x" * (1 << 20)


class Reader:
    """Reads files, and counts how often."""

    def __init__(self) -> None:
        self.read: list[Path] = []

    def __call__(self, path: Path) -> str:
        self.read.append(path)
        return sha256_file(path)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    place = tmp_path / "wheels/big.whl"
    place.parent.mkdir()
    place.write_bytes(LARGE)
    return place


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files count as long untouched."""
    monkeypatch.setattr(remembered, "SETTLED_NS", -(10**12))


def test_a_file_is_read_once(wheel: Path) -> None:
    reader = Reader()
    digests = RememberedDigests(reader)
    assert {digests(wheel), digests(str(wheel)), digests(wheel)} == {sha256_bytes(LARGE)}
    assert len(reader.read) == 1


def test_a_file_that_was_just_touched_is_read_again(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    reader = Reader()
    digests = RememberedDigests(reader)
    assert digests(wheel) == digests(wheel)
    assert len(reader.read) == 2


@needs_times_of_change
@pytest.mark.parametrize("way", ["in place", "replaced"])
def test_another_content_of_the_same_size_and_time_is_seen(wheel: Path, tmp_path: Path, way: str) -> None:
    kept = tmp_path / "state/digests.json"
    before = wheel.stat()
    first = RememberedDigests(sha256_file, kept)
    first(wheel)
    first.keep()
    time.sleep(0.02)  # a tick of the file system's clock
    changed = LARGE.replace(b"x", b"y")
    if way == "in place":
        wheel.write_bytes(changed)
    else:
        new = wheel.with_name("new")
        new.write_bytes(changed)
        new.replace(wheel)
    os.utime(wheel, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert first(wheel) == sha256_bytes(changed)
    assert RememberedDigests(sha256_file, kept)(wheel) == sha256_bytes(changed)


@needs_times_of_change
def test_large_files_are_remembered_by_later_runs(wheel: Path, tmp_path: Path) -> None:
    small, kept, reader = tmp_path / "small.whl", tmp_path / "state/digests.json", Reader()
    small.write_bytes(b"small")
    kept.parent.mkdir()
    first = RememberedDigests(reader, kept)
    first(wheel), first(small)
    first.keep()
    later = RememberedDigests(reader, kept)
    assert (later(wheel), later(small)) == (sha256_bytes(LARGE), sha256_bytes(b"small"))
    assert reader.read == [wheel, small, small]
    before = kept.stat().st_mtime_ns
    later.keep()
    assert kept.stat().st_mtime_ns == before


@needs_times_of_change
@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"a": 1}', '{"a": [1, 2, 3, 4]}', '{"a": ["1", 2, 3, 4, "x"]}', "[" * 10**5]
)
def test_a_damaged_memory_is_none(wheel: Path, tmp_path: Path, text: str) -> None:
    kept, reader = tmp_path / "digests.json", Reader()
    kept.write_text(text, encoding="utf-8")
    digests = RememberedDigests(reader, kept)
    digests(wheel)
    digests.keep()
    assert reader.read == [wheel]
    assert list(json.loads(kept.read_bytes())) == [str(wheel)]


def test_a_memory_that_cannot_be_written_is_no_error(wheel: Path, tmp_path: Path) -> None:
    digests = RememberedDigests(sha256_file, tmp_path / "wheels/big.whl/digests.json")
    assert digests(wheel) == sha256_bytes(LARGE)
    digests.keep()
