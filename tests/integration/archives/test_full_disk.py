"""A disk that is really full, and a limit of the system on the size of files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.packable_trees import EPOCH, add_large_files, make_tree
from tests.support.small_disks import run_on_small_disk

CHILD = """
import resource, sys
from pathlib import Path
from tests.support.packable_trees import contents_of
from venvstacks.archives.folder import export_tree
from venvstacks.archives.write_archive import ArchiveRequest, write_archive
from venvstacks.errors import PublishError

root, out, name, limit = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
contents = contents_of(root)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
place = out / "archive"
place.write_bytes(b"the old one")
try:
    if name == "folder":
        export_tree(contents, out / "export")
    else:
        write_archive(ArchiveRequest(contents, place, {epoch}, name, 1, threads=2))
except PublishError as error:
    print(error)
else:
    print("written")
assert place.read_bytes() == b"the old one"
print(sorted(found.name for found in out.iterdir() if found.is_file()))
""".replace("{epoch}", str(EPOCH))

FORMATS = ["tar.zst", "tar.xz", "tar.gz", "zip"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = make_tree(tmp_path_factory.mktemp("full") / "env")
    add_large_files(tree)
    return tree


@pytest.mark.parametrize("name", FORMATS)
def test_a_limit_on_file_sizes_leaves_the_old_archive(root: Path, tmp_path: Path, name: str) -> None:
    pytest.importorskip("resource", reason="limits are POSIX's")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, root, tmp_path, name, "100000"], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        f"{tmp_path / 'archive'} cannot be written: File too large",
        "hint: free some space, or choose another output folder; what was published before is untouched",
        "['archive']",
    ]


@pytest.mark.parametrize("name", [*FORMATS, "folder"])
def test_a_full_disk_leaves_the_old_archive(root: Path, tmp_path: Path, name: str) -> None:
    done = run_on_small_disk([sys.executable, "-c", CHILD, root, tmp_path, name, "0"], tmp_path, "200k")
    assert done.returncode == 0, done.stderr
    what = tmp_path / ("export" if name == "folder" else "archive")
    assert done.stdout.splitlines() == [
        f"{what} cannot be written: No space left on device",
        "hint: free some space, or choose another output folder; what was published before is untouched",
        "['archive']",
    ]
