"""Archives are read by the tools that people have, not only by the libraries that wrote them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.packable_trees import EPOCH, add_large_files, contents_of, expected, make_tree, on_disk
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.write_archive import ArchiveRequest, write_archive

TOOLS = {
    "tar.zst": (["tar", "--zstd", "-xpf"], ["zstd", "-qt"]),
    "tar.xz": (["tar", "-xJpf"], ["xz", "-t"]),
    "tar.gz": (["tar", "-xzpf"], ["gzip", "-t"]),
    "zip": (["unzip", "-q"], ["unzip", "-tqq"]),
}


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    root = make_tree(tmp_path_factory.mktemp("packed") / "env")
    add_large_files(root)
    return contents_of(root)


@pytest.mark.parametrize(("name", "level"), [("tar.zst", 3), ("tar.zst", 10), ("tar.xz", 0), ("tar.gz", 1), ("zip", 1)])
def test_system_tools_unpack_the_tree(contents: Contents, tmp_path: Path, name: str, level: int) -> None:
    unpack, check = TOOLS[name]
    for tool in {unpack[0], check[0]}:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    archive, out = tmp_path / f"archive.{name}", tmp_path / "out"
    write_archive(ArchiveRequest(contents, archive, EPOCH, name, level, threads=2))
    out.mkdir()

    checked = subprocess.run([*check, archive], check=False, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    unpacked = subprocess.run(
        [*unpack, archive],
        cwd=out,
        check=False,
        capture_output=True,
        text=True,
        umask=0o077,
        env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    )
    assert (unpacked.returncode, unpacked.stdout, unpacked.stderr) == (0, "", "")

    assert on_disk(out) == expected(contents.members, contents.root)
    wanted = EPOCH if name != "zip" else EPOCH // 2 * 2
    # files only: GNU tar makes links that lead upwards last, and thereby touches their folders once more
    assert {int(place.stat().st_mtime) for place in out.rglob("*") if stat.S_ISREG(place.lstat().st_mode)} == {wanted}
