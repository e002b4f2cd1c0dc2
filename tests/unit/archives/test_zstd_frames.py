"""Frames are read by either library, with the same faults."""

from __future__ import annotations

import io
import random
import sys

import pytest
import zstandard

from venvstacks.archives.zstd_frames import Prefix, frame_content, frame_reader, frame_size
from venvstacks.deltas.patches import make_patch
from venvstacks.errors import UsageError

OLD = random.Random(1).randbytes(300_000)
NEW = OLD[:100_000] + b"frog" * 1000 + OLD[100_000:]


@pytest.fixture(params=["zstandard", "standard"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "standard":
        monkeypatch.setitem(sys.modules, "zstandard", None)
    return str(request.param)


@pytest.mark.usefixtures("library")
def test_a_frame_is_read_in_pieces_and_damage_is_noticed() -> None:
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(NEW)
    reader = frame_reader(io.BytesIO(frame), 1 << 27)
    pieces = list(iter(lambda: reader.read(1 << 16), b""))
    assert b"".join(pieces) == NEW
    assert max(map(len, pieces)) <= 1 << 16
    for damaged in (b"frog" + frame, frame[:300] + b"?" + frame[301:]):
        reader = frame_reader(io.BytesIO(damaged), 1 << 27)
        with pytest.raises(ValueError, match=r"."):
            list(iter(lambda: reader.read(1 << 16), b""))  # noqa: B023 - read at once


@pytest.mark.usefixtures("library")
def test_patches_give_the_new_file() -> None:
    for old in (OLD, b"", b"12345678"):
        frame = make_patch(old, NEW)
        assert frame_content(frame, len(NEW), 1 << 24, Prefix(old)) == NEW
        with pytest.raises(ValueError, match="another size"):
            frame_content(frame, len(NEW) + 1, 1 << 24, Prefix(old))
        for damaged in (frame + b"x", frame[:-1], b""):
            with pytest.raises(ValueError, match=r"."):
                frame_content(damaged, len(NEW), 1 << 24, Prefix(old))
    assert len(make_patch(OLD, NEW)) < 2000


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65_791, 65_792, 100_000])
@pytest.mark.parametrize("checksum", [True, False])
def test_headers_say_what_the_library_reads_in_them(size: int, *, checksum: bool) -> None:
    for level, known in ((3, True), (19, False)):
        frame = zstandard.ZstdCompressor(level=level, write_checksum=checksum, write_content_size=known).compress(
            bytes(size)
        )
        head = frame[:18]
        length, content, has_checksum = frame_size(head)
        assert length == zstandard.frame_header_size(head)
        assert has_checksum == zstandard.get_frame_parameters(head).has_checksum == checksum
        assert content in ({size} if known else {None, size})


@pytest.mark.parametrize(
    "head", [b"", b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfd\x08aaaa", b"\x28\xb5\x2f\xfd\xc0a", b"frogs"]
)
def test_what_is_no_header(head: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        frame_size(head)


def test_a_python_without_a_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("zstandard", "backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"cannot read \.tar\.zst") as caught:
        frame_reader(io.BytesIO(b""), 1)
    assert "Python 3.14" in (caught.value.hint or "")
