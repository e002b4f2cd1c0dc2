"""A delta applied to the old version gives the new one: files, links, modes."""

from __future__ import annotations

import itertools
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.delta_trees import TOP, applied, delta, version
from tests.support.packable_trees import on_disk
from venvstacks.archives.unpack import make_links, make_listed_folders, write_verified
from venvstacks.deltas import delta_index, make_delta, old_parts, patches
from venvstacks.errors import ChangedEnvironmentError

NAMES = st.sampled_from(["a", "b-1.2", "b-1.3", "lib-0123abcd.so", "lib-4567abcd.so", "c", "ü"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
BLOCKS = st.sampled_from([b"", b"x", b"0123456789" * 7, bytes(range(256)), random.Random(1).randbytes(700)])
CONTENT = st.lists(BLOCKS, max_size=6).map(b"".join)
ROWS = st.tuples(CONTENT, st.booleans())


def tidy(rows: dict[str, tuple[bytes, bool]]) -> dict[str, tuple[bytes, bool]]:
    """Without files that another one would need as a folder."""

    def is_free(path: str) -> bool:
        return not any(f"{path}/".startswith(f"{other}/") for other in rows.keys() - {path})

    return {path: row for path, row in rows.items() if is_free(path)}


TREES = st.dictionaries(PATHS, ROWS, max_size=8).map(tidy)


def small_windows(patch: pytest.MonkeyPatch, size: int) -> None:
    """Let small files have several windows."""
    for module in (delta_index, make_delta, old_parts):
        patch.setattr(module, "WINDOW", size)
    patch.setattr(patches, "WINDOW", max(size, 1024))  # the least that zstandard takes
    patch.setattr(old_parts, "OLD_PART", 3 * size)
    patch.setattr(old_parts, "_REACH", size)
    patch.setattr(old_parts, "_FAR", 8 * size)


def unpacked(new: object, folder: Path) -> Path:
    """What unpacking the archive of a version gives."""
    expected, contents = new.expected, new.contents  # type: ignore[attr-defined]
    make_listed_folders(folder / TOP, expected.folders)
    for path, entry in expected.entries.items():
        if not entry.is_link:
            write_verified([(contents.root / path).read_bytes()], entry, folder / TOP / path, path)
    make_links(expected, folder / TOP)
    return folder / TOP


@pytest.mark.parametrize("small", [False, True], ids=["", "in windows"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(trees=st.lists(TREES, min_size=2, max_size=4), threads=st.integers(1, 3))
def test_any_chain_of_versions(*, small: bool, trees: list[dict[str, tuple[bytes, bool]]], threads: int) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as name:
        if small:
            small_windows(patch, 64)
        folder = Path(name)
        versions = []
        for number, rows in enumerate(trees):
            files = {path: content for path, (content, _) in rows.items()}
            programs = [path for path, (_, executable) in rows.items() if executable]
            links = {"link": "no-such-file"} if number % 2 else {}
            versions.append(version(folder / f"v{number}", {**files, **links}, programs))
        pairs = itertools.pairwise(versions)
        deltas = [delta(old, new, folder / "scratch", threads) for old, new in pairs]
        (folder / "whole").mkdir()
        wanted = on_disk(unpacked(versions[-1], folder / "whole"))
        found = applied(versions[0].old, deltas, versions[-1].expected, folder / "new")
        assert on_disk(found) == wanted
        direct = delta(versions[0], versions[-1], folder / "scratch")
        assert on_disk(applied(versions[0].old, [direct], versions[-1].expected, folder / "direct")) == wanted


def test_the_same_bytes_with_any_number_of_threads(tmp_path: Path) -> None:
    chance = random.Random(3)
    content = {f"lib{number}.so": chance.randbytes(200_000) for number in range(6)}
    old = version(tmp_path / "old", content)
    changed = {path: data[:1000] + b"changed" + data[1000:] for path, data in content.items()}
    new = version(tmp_path / "new", {**changed, "more.txt": b"new\n" * 1000})
    made = [delta(old, new, tmp_path / "scratch", threads) for threads in (1, 2, 5)]
    assert made[0] == made[1] == made[2]
    assert len(made[0]) < 2000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("numpy-2.3.2.dist-info/NOTICE", "numpy-2.3.3.dist-info/NOTICE"),
        ("numpy.libs/libopenblas-6cdc3b4a.so", "numpy.libs/libopenblas-8fb3d286.so"),
        ("onnx/libonnxruntime.so.1.22.0", "onnx/libonnxruntime.so.1.22.1"),
        ("a.so", "a.so"),
    ],
)
def test_renamed_files_are_patched(tmp_path: Path, before: str, after: str) -> None:
    content = random.Random(4).randbytes(100_000)
    old = version(tmp_path / "old", {before: content})
    new = version(tmp_path / "new", {after: content[:50_000] + b"!" + content[50_000:]})
    assert len(delta(old, new, tmp_path / "scratch")) < 1000


def test_a_moved_file_costs_nothing(tmp_path: Path) -> None:
    content = random.Random(5).randbytes(100_000)
    old = version(tmp_path / "old", {"a/x.so": content})
    new = version(tmp_path / "new", {"b/y": content, "c": content}, ["b/y"])
    made = delta(old, new, tmp_path / "scratch")
    assert len(made) < 100
    assert on_disk(applied(old.old, [made], new.expected, tmp_path / "to")).keys() == {"b", "b/y", "c"}


def test_files_that_resemble_nothing_are_compressed_together(tmp_path: Path) -> None:
    text = random.Random(6).randbytes(20_000)
    old = version(tmp_path / "old", {"a": random.Random(7).randbytes(20_000)})
    new = version(tmp_path / "new", {"a": text + b"1", "b": text + b"2"})
    assert len(delta(old, new, tmp_path / "scratch")) < 21_000


def test_parts_of_a_large_file_are_found_where_they_have_moved_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_windows(monkeypatch, 1 << 17)
    content = random.Random(8).randbytes(3 << 20)
    old = version(tmp_path / "old", {"large.so": content})
    inserted = random.Random(9).randbytes(600_000)
    new = version(tmp_path / "new", {"large.so": content[:500_000] + inserted + content[900_000:]})
    made = delta(old, new, tmp_path / "scratch", threads=2)
    assert len(inserted) < len(made) < len(inserted) + 150_000, "at most a window more than what is new"
    applied(old.old, [made], new.expected, tmp_path / "to")


def test_a_new_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    for name, path in (("patched", "a"), ("whole", "b")):
        old = version(tmp_path / f"{name}-old", {"a": b"1234567890" * 99})
        new = version(tmp_path / f"{name}-new", {path: b"1234567890" * 100})
        (new.tree / path).write_bytes(b"1234567890" * 99 + b"123456789x")
        with pytest.raises(ChangedEnvironmentError, match="has other content"):
            delta(old, new, tmp_path / "scratch")
