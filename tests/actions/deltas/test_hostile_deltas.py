"""Deltas that are damaged or lie, and old files that were changed: refused, or the right files all the same."""

from __future__ import annotations

import itertools
import json
import os
import random
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.capabilities import needs_symbolic_links
from tests.support.delta_trees import Version, applied, delta, version
from tests.support.packable_trees import on_disk
from venvstacks.deltas.apply_delta import Update, apply_deltas
from venvstacks.deltas.delta_index import MAGIC
from venvstacks.digests import sha256_bytes
from venvstacks.errors import InterruptedRunError

CHANCE = random.Random(2)
LIBRARY, TEXT = CHANCE.randbytes(3000), CHANCE.randbytes(300)
OLD = {"lib.so": LIBRARY, "same.txt": TEXT, "gone.txt": b"gone"}
NEW = {"lib.so": LIBRARY[:1000] + b"new" + LIBRARY[1000:], "same.txt": TEXT, "copy.txt": TEXT, "new.txt": b"n" * 50}


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Version, Version]:
    return version(tmp_path / "old", OLD), version(tmp_path / "new", NEW, ["copy.txt"])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_damage_leads_to_other_files(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old, new = version(folder / "old", OLD), version(folder / "new", NEW)
        made = bytearray(delta(old, new, folder / "scratch"))
        for place in data.draw(st.lists(st.integers(0, len(made) - 1), min_size=1, max_size=4)):
            made[place] = data.draw(st.integers(0, 255))
        cut = data.draw(st.sampled_from([len(made), *range(0, len(made), 29)]))
        try:
            found = applied(old.old, [bytes(made[:cut])], new.expected, folder / "to")
        except ValueError:
            return
        assert {path: content for path, (_, content) in on_disk(found).items()} == NEW


def rewritten(made: bytes, **changes: Any) -> bytes:
    """A delta with other values in the row of its patch."""
    length = int.from_bytes(made[8:16], "little")
    index = json.loads(zlib.decompress(made[16 : 16 + length]))
    index["contents"][0] |= changes
    packed = zlib.compress(json.dumps(index).encode())
    return MAGIC + len(packed).to_bytes(8, "little") + packed + made[16 + length :]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": 3004}, "another size than the manifest"),
        ({"size": 10}, "another size than the manifest"),
        ({"base": sha256_bytes(b"gone")}, "another file than is installed"),
        ({"base": sha256_bytes(TEXT), "windows": [[0, 300, 20]]}, "damaged|other content"),
        ({"base": sha256_bytes(b"nothing")}, "1 files are neither installed nor in the deltas"),
        ({"sha256": sha256_bytes(b"nothing")}, "1 files are neither installed nor in the deltas"),
        ({"windows": [[0, 2000, 20]]}, "damaged|another size"),
        ({"windows": [[1, 3000, 20]]}, "damaged|another size"),
        ({"windows": [[1 << 62, 3000, 20]]}, "damaged|another size"),
        ({"windows": [[0, 3000, 16_000_000]]}, "damaged|another size"),
    ],
)
def test_an_index_that_lies(
    versions: tuple[Version, Version], tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    old, new = versions
    made = delta(old, new, tmp_path / "scratch")
    with pytest.raises(ValueError, match=why):
        applied(old.old, [rewritten(made, **changes)], new.expected, tmp_path / "to")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old", "scratch", "to", "to-0.delta"]


def test_a_patch_that_says_to_be_small_and_is_not(versions: tuple[Version, Version], tmp_path: Path) -> None:
    old, new = versions
    import zstandard  # noqa: PLC0415

    bomb = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    frame = bomb.compress(bytes(64 << 20)) + bomb.flush()
    packed = rewritten(delta(old, new, tmp_path / "scratch"), windows=[[0, 3000, len(frame)]])
    length = int.from_bytes(packed[8:16], "little")
    with pytest.raises(ValueError, match="another size than its index says"):
        applied(old.old, [packed[: 16 + length] + frame], new.expected, tmp_path / "to")


@needs_symbolic_links
@pytest.mark.parametrize("name", ["lib.so", "same.txt"])
@pytest.mark.parametrize("how", ["other content", "longer", "missing", "link", "fifo", "folder", "unreadable"])
def test_old_files_that_were_changed(versions: tuple[Version, Version], tmp_path: Path, name: str, how: str) -> None:
    old, new = versions
    place = old.tree / name
    known = old.old
    content = bytearray(place.read_bytes())
    place.unlink()
    if how in {"other content", "longer", "unreadable"}:
        content[1500 % len(content)] ^= 1
        place.write_bytes(content + b"x" * (how == "longer"))
        place.chmod(0 if how == "unreadable" else 0o644)
    elif how == "link":
        place.symlink_to("gone.txt")
    elif how == "fifo":
        os.mkfifo(place)
    elif how == "folder":
        place.mkdir()
    made = delta(version(tmp_path / "again", OLD), new, tmp_path / "scratch")
    with pytest.raises((ValueError, PermissionError), match=r"was changed|cannot be read|other content|denied"):
        applied(known, [made], new.expected, tmp_path / "to")


def test_modes_of_old_files_do_not_count(versions: tuple[Version, Version], tmp_path: Path) -> None:
    old, new = versions
    (old.tree / "same.txt").chmod(0o666)
    (old.tree / "lib.so").chmod(0o4755)
    found = applied(old.old, [delta(old, new, tmp_path / "scratch")], new.expected, tmp_path / "to")
    assert (found / "same.txt").stat().st_mode & 0o7777 == 0o644
    assert (found / "lib.so").stat().st_mode & 0o7777 == 0o644
    assert (found / "copy.txt").stat().st_mode & 0o7777 == 0o755


def test_versions_between_are_bounded(tmp_path: Path) -> None:
    """A chain must not fill the disk with files that no version keeps."""
    chain = [version(tmp_path / f"{number}", {"a": LIBRARY + b"more" * number}) for number in range(3)]
    deltas = [delta(old, new, tmp_path / "scratch") for old, new in itertools.pairwise(chain)]
    applied(chain[0].old, deltas, chain[2].expected, tmp_path / "to")
    deltas[0] = rewritten(deltas[0], size=70 << 20, windows=[[0, 3000, 20]] * 5)
    with pytest.raises(ValueError, match="the versions between are larger than the new one"):
        applied(chain[0].old, deltas, chain[2].expected, tmp_path / "there")


def test_an_interrupt_ends_it(versions: tuple[Version, Version], tmp_path: Path) -> None:
    old, new = versions
    place = tmp_path / "x.delta"
    place.write_bytes(delta(old, new, tmp_path / "scratch"))
    (tmp_path / "to").mkdir()
    with pytest.raises(InterruptedRunError):
        apply_deltas(Update(old.old, [place], new.expected, tmp_path / "to", lambda: True))
