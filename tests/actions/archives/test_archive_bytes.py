"""What is in an archive, member by member, and that its bytes depend on nothing else."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from tests.support.capabilities import needs_modes, needs_symbolic_links
from tests.support.packable_trees import (
    EPOCH,
    FILES,
    LINKS,
    TOP,
    Seen,
    add_large_files,
    contents_of,
    expected,
    make_tree,
)
from venvstacks.archives.formats import ARCHIVE_FORMATS
from venvstacks.archives.write_archive import ArchiveRequest, ArchiveWritten, write_archive

FORMATS = list(ARCHIVE_FORMATS)
TARS = [name for name in FORMATS if name.startswith("tar")]


def write(root: Path, name: str, destination: Path | None = None, **options: int) -> tuple[ArchiveWritten, bytes]:
    place = destination or root.parent / f"archive.{name}"
    written = write_archive(ArchiveRequest(contents_of(root), place, options.pop("epoch", EPOCH), name, **options))
    return written, place.read_bytes()


def plain_tar(packed: Path, folder: Path) -> Path:
    """The archive as something that the standard library of every supported Python reads."""
    if not packed.name.endswith(".zst"):
        return packed
    plain = folder / "plain.tar"
    with packed.open("rb") as source, plain.open("wb") as target:
        zstandard.ZstdDecompressor().copy_stream(source, target)
    return plain


@pytest.mark.parametrize("name", TARS)
def test_tar_members_are_the_tree(tmp_path: Path, name: str) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    write(contents.root, name, tmp_path / "packed" / name)
    seen: Seen = {}
    with tarfile.open(plain_tar(tmp_path / "packed" / name, tmp_path)) as tar:
        for info in tar:
            assert (info.uid, info.gid, info.uname, info.gname, info.mtime) == (0, 0, "root", "root", EPOCH)
            assert info.isdir() or info.issym() or info.type == tarfile.REGTYPE
            kind = stat.S_IFDIR if info.isdir() else stat.S_IFLNK if info.issym() else stat.S_IFREG
            stream = tar.extractfile(info) if info.isreg() else None
            assert info.name not in seen
            seen[info.name] = (kind | info.mode, stream.read() if stream else info.linkname or None)
    assert seen == expected(contents.members, contents.root)
    assert list(seen) == [member.path for member in contents.members]


def test_zip_members_are_the_tree(tmp_path: Path) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    write(contents.root, "zip", tmp_path / "packed.zip")
    seen: Seen = {}
    with zipfile.ZipFile(tmp_path / "packed.zip") as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            assert info.flag_bits & 0x800
            assert info.create_system == 3
            assert info.date_time == (2023, 11, 14, 22, 13, 20)
            assert info.is_dir() is bool(info.external_attr & 0x10)
            mode, content = info.external_attr >> 16, archive.read(info)
            value = None if info.is_dir() else content.decode() if stat.S_ISLNK(mode) else content
            seen[info.filename.rstrip("/")] = (mode, value)
    assert seen == expected(contents.members, contents.root)
    assert list(seen) == [member.path for member in contents.members]


@pytest.mark.parametrize("name", FORMATS)
def test_size_and_digest_are_those_of_the_file(tmp_path: Path, name: str) -> None:
    written, packed = write(make_tree(tmp_path / "env"), name)
    assert written.size == len(packed)
    assert written.sha256 == hashlib.sha256(packed).hexdigest()
    assert [place.name for place in sorted(tmp_path.iterdir())] == [f"archive.{name}", "env"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_tree(tmp_path_factory.mktemp("large") / "env")
    add_large_files(root)
    return root


@pytest.mark.parametrize(("name", "level"), [("tar.zst", 10), ("tar.zst", 3), ("tar.xz", 0), ("tar.gz", 1), ("zip", 1)])
def test_the_number_of_threads_changes_nothing(large: Path, tmp_path: Path, name: str, level: int) -> None:
    packed = [write(large, name, tmp_path / name, level=level, threads=threads)[1] for threads in (1, 2, 4)]
    assert packed[0] == packed[1] == packed[2]
    if name != "zip":
        with tarfile.open(plain_tar(tmp_path / name, tmp_path)) as tar:
            sizes = {info.name: info.size for info in tar}
        assert sizes == {member.path: member.size for member in contents_of(large).members}
    else:
        with zipfile.ZipFile(tmp_path / name) as archive:
            assert archive.testzip() is None


@needs_modes
@pytest.mark.parametrize("name", FORMATS)
def test_neither_place_nor_times_nor_modes_nor_inodes_nor_order_matter(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, packed = write(make_tree(tmp_path / "env"), name)

    previous = os.umask(0o077)
    try:
        monkeypatch.setenv("TZ", "Pacific/Chatham")
        time.tzset()
        other = make_tree(tmp_path / "deeper" / "🐸" / "other", backwards=True, hard_links=True)
        for number, place in enumerate(sorted(other.rglob("*"))):
            os.utime(place, (number, 2_000_000_000 + number / 7), follow_symlinks=False)
            if place.is_file() and not place.is_symlink():
                place.chmod(place.stat().st_mode & 0o700)
        _, again = write(other, name, tmp_path / "elsewhere" / "named.differently")
    finally:
        os.umask(previous)
        monkeypatch.undo()
        time.tzset()

    assert again == packed
    assert stat.S_IMODE((tmp_path / "elsewhere" / "named.differently").stat().st_mode) == 0o644


@pytest.mark.parametrize("name", FORMATS)
def test_the_epoch_is_in_the_bytes(tmp_path: Path, name: str) -> None:
    root = make_tree(tmp_path / "env")
    assert write(root, name)[1] != write(root, name, epoch=EPOCH + 2)[1]


def test_zip_says_which_time_it_could_write(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "env")
    assert write(root, "zip", epoch=5)[0].epoch == 315_532_800  # 1980-01-01
    assert write(root, "tar.gz", epoch=5)[0].epoch == 5


def test_more_members_than_a_plain_zip_can_count(tmp_path: Path) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    folder = contents.members[0]
    many = tuple(replace(folder, path=f"{TOP}/{number}") for number in range(70_000))
    write_archive(ArchiveRequest(replace(contents, members=many), tmp_path / "many.zip", EPOCH, "zip"))
    with zipfile.ZipFile(tmp_path / "many.zip") as archive:
        assert len(archive.namelist()) == 70_000


@pytest.mark.parametrize("name", FORMATS)
def test_levels_lead_to_different_sizes(large: Path, tmp_path: Path, name: str) -> None:
    efforts = ARCHIVE_FORMATS[name].efforts
    if name == "tar.xz":
        efforts = {"fast": 0, "balanced": 1, "small": 1}  # higher ones take long, and are the library's business
    sizes = [write(large, name, tmp_path / name, level=efforts[effort])[0].size for effort in ("fast", "balanced")]
    assert sizes[1] < sizes[0]


@needs_symbolic_links
def test_nothing_is_lost_between_tree_and_list(tmp_path: Path) -> None:
    contents = contents_of(make_tree(tmp_path / "env"))
    assert {member.source for member in contents.members} - {None} == {*FILES, *LINKS}
