"""Files written whole or not at all, trees swapped in whole, and trees removed without touching anything else."""

from __future__ import annotations

import ntpath
import os
import posixpath
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.capabilities import needs_symbolic_links
from venvstacks.tools.files import (
    path_from,
    remove_leftovers,
    replacing,
    staging_folder,
    swap_in,
    write_atomically,
    write_if_changed,
)
from venvstacks.tools.tree_removal import remove_tree


def modes(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def _ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make read-only folders effective for the user who runs the tests, also for root."""
    unlink = os.unlink

    def guarded(path: Any, *, dir_fd: int | None = None) -> None:
        folder = os.fstat(dir_fd) if dir_fd is not None else Path(path).parent.stat()
        if not folder.st_mode & stat.S_IWUSR:
            raise PermissionError(13, "permission denied", str(path))
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", guarded)


def test_a_write_replaces_the_whole_file_or_nothing(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    write_atomically(file, "ä\n")
    assert file.read_bytes() == "ä\n".encode()
    half_way = replacing(file)
    half_way.__enter__().write_bytes(b"half")
    half_way.__exit__(RuntimeError, RuntimeError(), None)
    assert file.read_bytes() == "ä\n".encode()
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_an_equal_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert write_if_changed(file, "same")
    inode = file.stat().st_ino
    assert not write_if_changed(file, b"same")
    assert file.stat().st_ino == inode
    assert write_if_changed(file, "other")


def test_a_tree_is_swapped_in_whole(tmp_path: Path) -> None:
    place, trash = tmp_path / "env", tmp_path / "trash"
    for content in ("old", "new"):
        with staging_folder(tmp_path, "env") as staging:
            (staging / "tree").mkdir()
            (staging / "tree" / content).touch()
            swap_in(staging / "tree", place, trash=trash)
    assert [path.name for path in place.iterdir()] == ["new"]
    assert not list(trash.iterdir())


def test_leftovers_of_one_name_go_and_others_stay(tmp_path: Path) -> None:
    for name in ("app.abcdefgh", "app.x", "app-two.abcdefgh", "app"):
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path, "app")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app", "app-two.abcdefgh", "app.x"]


@pytest.mark.usefixtures("_ordinary_user")
@pytest.mark.skipif(os.name != "posix", reason="folders cannot be read-only on other systems")
def test_a_read_only_tree_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "tree" / "below"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    folder.chmod(0o500)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


@needs_symbolic_links
@pytest.mark.usefixtures("_ordinary_user")
@pytest.mark.skipif(os.name != "posix", reason="folders cannot be read-only on other systems")
def test_removing_a_tree_changes_no_mode_outside_it(tmp_path: Path) -> None:
    outside = tmp_path / "interpreter"
    outside.touch(mode=0o644)
    outside.chmod(0o644)
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "second name").hardlink_to(outside)
    (folder / "broken").symlink_to("nowhere")
    folder.chmod(0o500)
    remove_tree(folder)
    assert not folder.exists()
    assert modes(outside) == 0o644


def test_staging_folders_of_one_parent_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Layers are exported at the same time, and each export stages next to the others' metadata."""

    def stage(name: str) -> int:
        for number in range(100):
            with staging_folder(tmp_path / "deep/parent", name) as folder:
                (folder / "leg").write_text(str(number))
        return number

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(stage, ("frog", "newt", "toad", "frog"))) == [99] * 4
    assert list((tmp_path / "deep/parent").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="other systems have no umask")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_new_folders_and_files_have_the_modes_of_published_ones(tmp_path: Path, umask: int) -> None:
    (tmp_path / "there").mkdir(mode=0o700)
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "there/a/b/file", "frog")
    finally:
        os.umask(before)
    assert [modes(tmp_path / path) for path in ("there", "there/a", "there/a/b", "there/a/b/file")] == [
        0o700, 0o755, 0o755, 0o644,
    ]  # fmt: skip


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file/a/b", tmp_path / "file/b"):
        with pytest.raises(OSError, match="file"):
            write_atomically(place, "frog")


@pytest.mark.parametrize(
    ("flavour", "start", "path", "written"),
    [
        (posixpath, "/a/b", "/a/c/d", "../c/d"),
        (posixpath, "/a/b", "/a/b/x\\y", "x\\y"),
        (ntpath, "C:\\a\\b", "C:\\a\\c\\d", "../c/d"),
        (ntpath, "C:\\a\\b", "D:\\tmp\\ü", "D:/tmp/ü"),
    ],
)
def test_paths_to_another_drive_are_absolute(flavour: Any, start: str, path: str, written: str) -> None:
    """Whoever has the folder for temporary files on another drive than a project could not verify it."""
    assert path_from(start, path, flavour) == written
