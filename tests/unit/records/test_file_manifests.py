from __future__ import annotations

import gzip
import json
import zlib
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.archives.members import members
from venvstacks.digests import TreeEntry
from venvstacks.records.file_lists import FileManifest, ListedFile
from venvstacks.records.published_metadata import FileReference

ENTRIES = (
    TreeEntry("bin/python", target="../../py/bin/python"),
    TreeEntry("bin/run", 4, executable=True, sha256="a" * 64),
    TreeEntry("lib/🐸.py", 0, sha256=sha256(b"").hexdigest()),
)


def manifest() -> FileManifest:
    return FileManifest.of(members(ENTRIES, "framework-pond@2", added={"postinstall.py": b"pass\n"}))


def test_it_lists_what_the_archive_holds() -> None:
    listed = manifest()
    added = TreeEntry("postinstall.py", 5, sha256=sha256(b"pass\n").hexdigest())
    assert (listed.install_target, listed.entries()) == ("framework-pond@2", (*ENTRIES, added))


def test_its_text_is_one_line_a_file_and_the_same_bytes_every_time() -> None:
    packed = manifest().packed()
    assert packed == manifest().packed()
    lines = gzip.decompress(packed).decode().splitlines()
    assert lines[0] == '{"format":1,"install_target":"framework-pond@2","files":['
    assert json.loads(lines[1].rstrip(",")) == {"path": "bin/python", "target": "../../py/bin/python"}
    assert json.loads(lines[2].rstrip(",")) == {"path": "bin/run", "mode": "0755", "size": 4, "sha256": "a" * 64}
    assert lines[-1] == "]}"
    assert FileReference.of("x", packed).sha256 == sha256(packed).hexdigest()


@given(st.lists(st.builds(ListedFile, st.text(st.characters(exclude_categories=["Cs"])), target=st.just("x"))))
def test_it_comes_back_as_it_was(files: list[ListedFile]) -> None:
    made = FileManifest(install_target="pond", files=tuple(files))
    assert FileManifest.unpack(made.packed()) == made


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


ROW = '{"format":1,"install_target":"x","files":[%s]}'


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "cut off"),
        (b"frog", "not compressed as it should be"),
        (zlib.compress(b"{}"), "not compressed as it should be"),
        (manifest().packed()[:-1], "cut off"),
        (manifest().packed() + b"x", "follows it"),
        (packed("frog"), "JSON"),
        (packed('{"format":2,"install_target":"x","files":[]}'), "format"),
        (packed(ROW % '{"path":"x","target":"y","colour":"green"}'), "colour"),
        (packed(ROW % '{"path":"x","mode":"4755","size":1,"sha256":"a"}'), "mode"),
        (packed(ROW % '{"path":"x","mode":"0644","size":-1}'), "size"),
        (packed(ROW % '{"path":"x","mode":"0644","size":1,"sha256":"A"}'), "sha256"),
    ],
)
def test_manifests_that_are_none(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FileManifest.unpack(data)


@pytest.mark.parametrize(
    "row", ['{"path":"x"}', '{"path":"x","mode":"0644","size":1}', '{"path":"x","target":"y","size":1}']
)
def test_rows_that_are_neither_files_nor_links(row: str) -> None:
    with pytest.raises(ValueError, match="neither as a file nor as a link"):
        FileManifest.unpack(packed(ROW % row)).entries()
