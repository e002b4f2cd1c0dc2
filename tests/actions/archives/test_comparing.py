from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.capabilities import marks_of
from tests.support.packable_trees import EPOCH, SITE, TOP, contents_of, make_tree
from venvstacks.archives.compare import compare_archives
from venvstacks.archives.formats import ARCHIVE_FORMATS
from venvstacks.archives.write_archive import ArchiveRequest, write_archive

FROGS = f"{SITE}/frogs"
each_format = pytest.mark.parametrize("suffix", ARCHIVE_FORMATS)


def edit(path: str, content: bytes) -> Callable[[Path], object]:
    return lambda root: (root / path).write_bytes(content)


def remove(path: str) -> Callable[[Path], object]:
    return lambda root: (root / path).unlink()


def relink(root: Path) -> None:
    (root / "lib64").unlink()
    (root / "lib64").symlink_to("lib/python3.11")


def turn_into_file(root: Path) -> None:
    (root / "lib64").unlink()
    (root / "lib64").write_bytes(b"lib")


CHANGES = {
    "content": (edit(f"{FROGS}/twin-1.txt", b"twixs\n"), f"{FROGS}/twin-1.txt", "content", "at byte 3, line 1: "),
    "later line": (
        edit("share/venv/metadata/venvstacks_layer.json", b"{}\n{}\n"),
        "share/venv/metadata/venvstacks_layer.json", "content", "at byte 3, line 2: ",
    ),
    "binary": (edit(f"{FROGS}/block.bin", bytes(range(256)) + bytes(256)), f"{FROGS}/block.bin", "content", "byte 257"),
    "mode": (lambda root: (root / "bin/run").chmod(0o644), "bin/run", "mode", "0755 and 0644"),
    "missing": (remove(f"{FROGS}/twin-2.txt"), f"{FROGS}/twin-2.txt", "missing", "only in the first"),
    "new": (edit(f"{FROGS}/newt.txt", b""), f"{FROGS}/newt.txt", "missing", "only in the second"),
    "link": (relink, "lib64", "link", "lib and lib/python3.11"),
    "link made a file": (turn_into_file, "lib64", "type", ""),
}  # fmt: skip


def pack(tree: Path, place: Path, epoch: int = EPOCH, level: int | None = None) -> Path:
    place.parent.mkdir(exist_ok=True)
    write_archive(ArchiveRequest(contents_of(tree), place, epoch, place.name.partition(".")[2], level))
    return place


@each_format
def test_equal_archives_do_not_differ(tmp_path: Path, suffix: str) -> None:
    one, other = make_tree(tmp_path / "one"), make_tree(tmp_path / "other", backwards=True, hard_links=True)
    assert compare_archives(pack(one, tmp_path / f"a.{suffix}"), pack(other, tmp_path / f"b.{suffix}")) is None


@each_format
@pytest.mark.parametrize(
    ("change", "path", "kind", "detail"),
    [pytest.param(*case, id=name, marks=marks_of(name)) for name, case in CHANGES.items()],
)
def test_the_first_difference_is_named(
    tmp_path: Path, suffix: str, *, change: Callable[[Path], object], path: str, kind: str, detail: str
) -> None:
    tree = make_tree(tmp_path / "tree")
    first = pack(tree, tmp_path / f"a.{suffix}")
    change(tree)
    found = compare_archives(first, pack(tree, tmp_path / f"b.{suffix}"))
    assert found is not None
    assert (found.member, found.kind) == (f"{TOP}/{path}", kind)
    assert detail in found.detail


@each_format
def test_another_time_is_reported(tmp_path: Path, suffix: str) -> None:
    tree = make_tree(tmp_path / "tree")
    found = compare_archives(pack(tree, tmp_path / f"a.{suffix}"), pack(tree, tmp_path / f"b.{suffix}", EPOCH + 60))
    assert found is not None
    assert (found.member, found.kind) == (TOP, "time")


@each_format
def test_the_same_members_may_be_packed_differently(tmp_path: Path, suffix: str) -> None:
    tree = make_tree(tmp_path / "tree")
    (tree / "bin/run").write_bytes(b"".join(b"%d" % (number * 7919 % 997) for number in range(5000)))
    first, second = pack(tree, tmp_path / f"a.{suffix}", level=1), pack(tree, tmp_path / f"b.{suffix}", level=9)
    found = compare_archives(first, second)
    assert found is not None
    assert (found.member, found.kind) == ("", "packing")


@each_format
def test_a_damaged_archive_is_no_difference_but_an_error(tmp_path: Path, suffix: str) -> None:
    first = pack(make_tree(tmp_path / "tree"), tmp_path / f"a.{suffix}")
    second = tmp_path / f"b.{suffix}"
    second.write_bytes(first.read_bytes())
    os.truncate(second, first.stat().st_size // 2)
    with pytest.raises(ValueError, match=r"damaged|cut off"):
        compare_archives(first, second)


def test_formats_are_not_compared_with_each_other(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    with pytest.raises(ValueError, match="different formats"):
        compare_archives(pack(tree, tmp_path / "a.zip"), pack(tree, tmp_path / "b.tar.gz"))
