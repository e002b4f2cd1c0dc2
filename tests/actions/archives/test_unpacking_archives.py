"""Every archive that is refused, before anything is written outside the folder that it is unpacked in."""

from __future__ import annotations

import io
import random
import struct
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from tests.support.capabilities import needs_modes, needs_symbolic_links
from tests.support.hostile_archives import COMPRESSIONS, CONTENT, LINKS, TOP, cases, entries, sound, tar, zipped, zstd
from tests.support.packable_trees import add_large_files, contents_of, expected, make_tree, on_disk
from venvstacks.archives.expected import ExpectedTree, expect
from venvstacks.archives.unpack import unpack_archive
from venvstacks.archives.write_archive import ArchiveRequest, write_archive
from venvstacks.errors import InterruptedRunError, UnsafeArchiveError
from venvstacks.records.file_lists import FileManifest

FUZZ_SECONDS = 4.0


def wanted() -> ExpectedTree:
    return expect(entries(), TOP, siblings={"py"})


def everything_below(folder: Path) -> set[str]:
    return {place.relative_to(folder).as_posix() for place in folder.rglob("*")}


@needs_modes
@needs_symbolic_links
@pytest.mark.parametrize("suffix", [*COMPRESSIONS, "zip"])
def test_the_sound_archive_is_unpacked(suffix: str, tmp_path: Path) -> None:
    archive = tmp_path / f"x.{suffix}"
    archive.write_bytes(zipped(sound()) if suffix == "zip" else COMPRESSIONS[suffix](tar(sound())))
    (tmp_path / "out").mkdir()
    unpack_archive(archive, wanted(), tmp_path / "out")
    top = tmp_path / "out" / TOP
    assert {path: (top / path).read_bytes() for path in CONTENT} == CONTENT
    assert {path: str((top / path).readlink()) for path in LINKS} == LINKS
    assert (top / "folder/deep/run").stat().st_mode & 0o777 == 0o755
    assert everything_below(tmp_path / "out") == {TOP, *(f"{TOP}/{path}" for path in (*CONTENT, *LINKS))} | {
        f"{TOP}/folder",
        f"{TOP}/folder/deep",
    }


def test_unpacking_that_is_stopped(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar.zst"
    archive.write_bytes(COMPRESSIONS["tar.zst"](tar(sound())))
    (tmp_path / "out").mkdir()
    answers = iter([False] * 4 + [True])
    with pytest.raises(InterruptedRunError):
        unpack_archive(archive, wanted(), tmp_path / "out", lambda: next(answers))
    assert {path for path in CONTENT if (tmp_path / "out" / TOP / path).exists()} == {"a.txt"}


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_failure_leaves_no_thread_behind(suffix: str, tmp_path: Path) -> None:
    """Whoever keeps the error keeps everything that was at work; its threads must not wait to be collected."""
    archive = tmp_path / f"x.{suffix}"
    archive.write_bytes(COMPRESSIONS[suffix](tar(sound())))
    (tmp_path / "out").mkdir()
    with pytest.raises(InterruptedRunError) as kept:
        unpack_archive(archive, wanted(), tmp_path / "out", lambda: True)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("inflate")] == []
    assert kept.tb


@pytest.mark.parametrize(("name", "suffix", "data", "says"), list(cases()), ids=[case[0] for case in cases()])
def test_hostile_archives_are_refused(name: str, suffix: str, data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    archive = tmp_path / "room" / f"x.{suffix}"
    archive.write_bytes(data)
    (tmp_path / "room/staging").mkdir()
    with pytest.raises(UnsafeArchiveError, match=f"is refused: .*({says})"):
        unpack_archive(archive, wanted(), tmp_path / "room/staging")
    assert {place.name for place in tmp_path.iterdir()} == {"room"}, name
    assert {place.name for place in (tmp_path / "room").iterdir()} == {"staging", archive.name}
    links = [place for place in tmp_path.rglob("*") if place.is_symlink()]
    assert not links, "links come last, when everything else was right"


@needs_modes
def test_what_publishing_writes_comes_back_as_it_was(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "env")
    add_large_files(root)
    contents = contents_of(root)
    listed = FileManifest.of(contents.members)
    for suffix in (*COMPRESSIONS, "zip"):
        archive = tmp_path / f"x.{suffix}"
        write_archive(ArchiveRequest(contents, archive, 1_700_000_000, suffix, 1, threads=2))
        (tmp_path / suffix).mkdir()
        unpack_archive(archive, expect(listed.entries(), contents.members[0].path), tmp_path / suffix)
        assert on_disk(tmp_path / suffix) == expected(contents.members, root)


def test_a_bomb_needs_little_memory_and_writes_no_more_than_announced(tmp_path: Path) -> None:
    data = zstd(tar(sound(), end=bytes(512 << 20)))
    archive = tmp_path / "x.tar.zst"
    archive.write_bytes(data)
    assert len(data) < 100_000
    (tmp_path / "out").mkdir()
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeArchiveError):
            unpack_archive(archive, wanted(), tmp_path / "out")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    written = sum(place.stat().st_size for place in (tmp_path / "out").rglob("*") if place.is_file())
    assert written <= sum(map(len, CONTENT.values()))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, put in, taken out, moved or repeated."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        start, end = sorted(chance.randrange(len(changed) + 1) for _ in range(2))
        end = min(end, start + chance.choice((1, 8, 100, 600)))
        piece = bytes(changed[start:end])
        changed[start:end] = chance.choice(
            (chance.randbytes(len(piece)), piece * 2, b"", bytes(len(piece)), chance.randbytes(3), piece[::-1])
        )
        changed = changed or bytearray(b"x")
    return bytes(changed)


@pytest.mark.parametrize("suffix", [*COMPRESSIONS, "zip"])
def test_random_damage_is_refused_or_harmless(suffix: str, tmp_path: Path) -> None:
    chance = random.Random(suffix)
    plain, packed = tar(sound()), zipped(sound())
    room = tmp_path / "room"
    room.mkdir()
    until = time.monotonic() + FUZZ_SECONDS / 4
    rounds = refused = 0
    while time.monotonic() < until:
        if suffix == "zip":
            data = mutated(packed, chance)
        elif chance.random() < 0.5:
            data = COMPRESSIONS[suffix](mutated(plain, chance))
        else:
            data = mutated(COMPRESSIONS[suffix](plain), chance)
        archive = room / f"{rounds}.{suffix}"
        archive.write_bytes(data)
        staging = room / "staging"
        staging.mkdir()
        try:
            unpack_archive(archive, wanted(), staging)
            assert {path: (staging / TOP / path).read_bytes() for path in CONTENT} == CONTENT
        except UnsafeArchiveError:
            refused += 1
        assert {place.name for place in room.iterdir()} == {"staging", archive.name}
        assert {place.name for place in tmp_path.iterdir()} == {"room"}
        assert everything_below(staging) <= {TOP, *(f"{TOP}/{path}" for path in (*CONTENT, *LINKS))} | {
            f"{TOP}/folder",
            f"{TOP}/folder/deep",
        }
        clear(staging)
        archive.unlink()
        rounds += 1
    assert refused > rounds // 2 > 0


def clear(folder: Path) -> None:
    for place in sorted(folder.rglob("*"), reverse=True):
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()
    folder.rmdir()


def test_a_zip_whose_directory_lies_about_sizes(tmp_path: Path) -> None:
    data = bytearray(zipped(sound()))
    place = data.rindex(b"PK\1\2", 0, data.rindex(f"{TOP}/a.txt".encode()))
    data[place + 24 : place + 28] = (1 << 30).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(bytes(data))
    (tmp_path / "out").mkdir()
    with pytest.raises(UnsafeArchiveError, match="another size"):
        unpack_archive(tmp_path / "x.zip", wanted(), tmp_path / "out")


def with_end64(size: int | None = None, shift: int = 0) -> bytes:
    """A sound archive with the end records of large ones, which announce another size, or are in another place."""
    packed = zipped(sound())
    directory, end = packed.rindex(b"PK\5\6"), packed[-22:]
    count, true_size, start = struct.unpack("<10xHII2x", end)
    numbers = (44, 45, 45, 0, 0, count, count, true_size if size is None else size, start)
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", *numbers) + struct.pack("<4sIQI", b"PK\6\7", 0, directory + shift, 1)
    return packed[:directory] + end64 + end


def unpack(data: bytes, folder: Path) -> None:
    (folder / "x.zip").write_bytes(data)
    (folder / "out").mkdir()
    unpack_archive(folder / "x.zip", wanted(), folder / "out")


def test_the_end_records_of_large_archives(tmp_path: Path) -> None:
    unpack(with_end64(), tmp_path)
    assert {path: (tmp_path / "out" / TOP / path).read_bytes() for path in CONTENT} == CONTENT


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (zipped(sound(), remark=b"x" * 65_000), r"directory has \d{6} bytes, and may have 6\d{4}\n"),
        (with_end64(1 << 40), r"directory has 1099511627776 bytes"),
        (with_end64(0, shift=-1), "end records are not in one place"),
        (zipped(sound())[:-10] + struct.pack("<II2x", 0xFFFFFFFF, 0xFFFFFFFF), "directory has 4294967295 bytes"),
    ],
    ids=["remarks", "petabyte", "elsewhere", "no zip64"],
)
def test_the_directory_of_a_zip_is_bounded_before_it_is_read(data: bytes, says: str, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnsafeArchiveError, match=says):
            unpack(data, tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(zipped(sound())) + (300 << 10)


def test_an_unknown_format(tmp_path: Path) -> None:
    (tmp_path / "x.rar").write_bytes(io.BytesIO(b"Rar!").getvalue())
    (tmp_path / "out").mkdir()
    with pytest.raises(UnsafeArchiveError, match="no archive of a known format"):
        unpack_archive(tmp_path / "x.rar", wanted(), tmp_path / "out")
