"""The header bytes are what the format's documents say, whatever the standard library's module makes of them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import Member
from venvstacks.archives.tar_writer import member_header, tar_chunks

EPOCH = 1_700_000_000
# POSIX.1-2001 pax, "ustar Interchange Format": where each field begins
FIELDS = {
    "name": 0, "mode": 100, "uid": 108, "gid": 116, "size": 124, "mtime": 136, "chksum": 148, "typeflag": 156,
    "linkname": 157, "magic": 257, "version": 263, "uname": 265, "gname": 297, "devmajor": 329, "devminor": 337,
    "prefix": 345, "padding": 500,
}  # fmt: skip


def fields(block: bytes) -> dict[str, bytes]:
    ends = [*list(FIELDS.values())[1:], 512]
    return {name: block[begin:end] for (name, begin), end in zip(FIELDS.items(), ends, strict=True)}


def read_back(archive: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getmembers()


def test_every_field_of_a_plain_header() -> None:
    header = member_header(Member("top/bin/run", "bin/run", size=4660, executable=True), EPOCH)
    assert len(header) == 512
    assert fields(header) == {
        "name": b"top/bin/run" + bytes(89),
        "mode": b"0000755\0",
        "uid": b"0000000\0",
        "gid": b"0000000\0",
        "size": b"00000011064\0",
        "mtime": b"14524770400\0",
        "chksum": b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:])),
        "typeflag": b"0",
        "linkname": bytes(100),
        "magic": b"ustar\0",
        "version": b"00",
        "uname": b"root" + bytes(28),
        "gname": b"root" + bytes(28),
        "devmajor": b"0000000\0",
        "devminor": b"0000000\0",
        "prefix": bytes(155),
        "padding": bytes(12),
    }


@pytest.mark.parametrize(
    ("member", "kind", "mode", "name", "linkname"),
    [
        (Member("t/d"), b"5", b"0000755\0", b"t/d/", b""),
        (Member("t/l", "l", target="d/f"), b"2", b"0000777\0", b"t/l", b"d/f"),
        (Member("t/f", "f"), b"0", b"0000644\0", b"t/f", b""),
        (Member("t/g", content=b"g", size=1), b"0", b"0000644\0", b"t/g", b""),
    ],
)
def test_kinds_of_members(member: Member, kind: bytes, mode: bytes, name: bytes, linkname: bytes) -> None:
    block = fields(member_header(member, EPOCH))
    assert (block["typeflag"], block["mode"]) == (kind, mode)
    assert (block["name"].rstrip(b"\0"), block["linkname"].rstrip(b"\0")) == (name, linkname)


def test_an_extended_header_says_what_does_not_fit() -> None:
    header = member_header(Member("top/🐸", "🐸", target="🦎"), EPOCH)
    extended, records, block = header[:512], header[512:1024], header[1024:]
    assert fields(extended)["typeflag"] == b"x"
    assert fields(extended)["size"] == b"%011o\0" % len(records.rstrip(b"\0"))
    assert records.rstrip(b"\0") == b"17 linkpath=\xf0\x9f\xa6\x8e\n17 path=top/\xf0\x9f\x90\xb8\n"
    assert fields(block)["typeflag"] == b"2"


@pytest.mark.parametrize("length", [99, 100, 101, 255, 256, 4000])
def test_names_and_targets_of_any_length_survive(length: int) -> None:
    name, target = "n" * length, "l" * length
    archive = member_header(Member(name, "x", target=target), EPOCH) + bytes(1024)
    assert [(info.name, info.linkname) for info in read_back(archive)] == [(name, target)]


def test_a_file_of_eight_gibibytes_says_its_size_in_a_record() -> None:
    header = member_header(Member("top/x", "x", size=8**11), EPOCH)
    assert b"size=8589934592\n" in header
    assert fields(header[-512:])["size"] == b"00000000000\0"
    assert len(member_header(Member("top/x", "x", size=8**11 - 1), EPOCH)) == 512


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=1100))
def test_any_name_is_read_back(name: str) -> None:
    path = f"t/{name}.txt"
    archive = member_header(Member(path, "x", target=name), EPOCH) + bytes(1024)
    (info,) = read_back(archive)
    assert (info.name, info.linkname) == (path, name)
    assert (info.uid, info.uname, info.mtime) == (0, "root", EPOCH)


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 10240, 30000])
def test_archives_end_with_two_empty_blocks_on_a_full_record(count: int) -> None:
    contents = Contents((Member("top/x", content=b"x" * count, size=count),), Path())
    archive = b"".join(tar_chunks(contents, EPOCH))
    assert len(archive) % 10240 == 0
    assert archive.endswith(bytes(1024))
    assert [info.size for info in read_back(archive)] == [count]
