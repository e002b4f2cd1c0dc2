"""Removing trees as an ordinary user, whom read-only folders hold."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from venvstacks.tools.tree_removal import remove_tree

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders cannot be read-only on other systems")

ROOT = Path(__file__).parents[3]
SOMEBODY = 65534
REMOVE = """
import os, shutil, sys
from pathlib import Path
from venvstacks.tools.tree_removal import remove_tree

if os.getuid() == 0:  # once everything is imported: others may not be able to read it
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
remove_tree(Path(sys.argv[2]))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an ordinary user can reach, whoever runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        yield place
        for path in (place, *place.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)


def remove(tree: Path) -> subprocess.CompletedProcess[str]:
    """Remove `tree` as its owner, who is not root."""
    if os.getuid() == 0:
        for path in (tree.parent, tree, *tree.rglob("*")):
            os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    command = [sys.executable, "-c", REMOVE, str(SOMEBODY), str(tree)]
    return subprocess.run(
        command, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, capture_output=True
    )


def grow(parent: Path) -> Path:
    tree = parent / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/frog").write_text("")
    (tree / "a/newt").write_text("")
    return tree


def test_read_only_folders_at_any_depth_are_removed(folder: Path) -> None:
    tree = grow(folder / "parent")
    for path in (tree / "a/b", tree / "a", tree):
        path.chmod(0o000 if path.name == "b" else 0o500)
    done = remove(tree)
    assert done.returncode == 0, done.stderr
    assert not tree.exists()


def test_the_folder_around_a_tree_keeps_its_mode(folder: Path) -> None:
    tree = grow(folder / "parent")
    tree.parent.chmod(0o555)
    done = remove(tree)
    assert stat.S_IMODE(tree.parent.stat().st_mode) == 0o555
    assert "PermissionError" in done.stderr, "a read-only folder holds what is in it"


def test_a_file_in_a_read_only_folder_stays(folder: Path) -> None:
    tree = grow(folder / "parent")
    (tree.parent / "file").write_text("")
    tree.parent.chmod(0o555)
    done = remove(tree.parent / "file")
    assert stat.S_IMODE(tree.parent.stat().st_mode) == 0o555
    assert "PermissionError" in done.stderr


def test_what_has_vanished_needs_no_removing(tmp_path: Path) -> None:
    (tmp_path / "neighbour").touch()
    remove_tree(tmp_path / "nothing")
    assert [path.name for path in tmp_path.iterdir()] == ["neighbour"]
