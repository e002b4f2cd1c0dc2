"""Archives do not depend on the version of the Python that this program runs on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import findpython
import pytest

from tests.support.packable_trees import EPOCH, make_tree

WRITE = """
import hashlib, sys, zlib
from pathlib import Path
from tests.support.packable_trees import contents_of
from venvstacks.archives.tar_writer import tar_chunks
from venvstacks.archives.write_archive import ArchiveRequest, write_archive
contents = contents_of(Path(sys.argv[1]))
print("tar", hashlib.sha256(b"".join(tar_chunks(contents, {epoch}))).hexdigest())
for name in ("tar.gz", "zip"):
    written = write_archive(ArchiveRequest(contents, Path(sys.argv[2]) / name, {epoch}, name))
    print(name, zlib.ZLIB_RUNTIME_VERSION, written.sha256)
""".replace("{epoch}", str(EPOCH))


@pytest.fixture(scope="module")
def installed() -> dict[int, Path]:
    """Minor version to interpreter."""
    return {python.minor: python.executable for python in findpython.find_all(major=3, allow_prereleases=True)}


@pytest.mark.parametrize("minor", [minor for minor in (11, 12, 13, 14) if minor != sys.version_info.minor])
def test_other_pythons_write_the_same_bytes(tmp_path: Path, minor: int, installed: dict[int, Path]) -> None:
    if minor not in installed:
        pytest.skip(f"Python 3.{minor} is not installed")
    make_tree(tmp_path / "env")

    def lines(python: str | Path) -> set[str]:
        command = [python, "-B", "-c", WRITE, tmp_path / "env", tmp_path]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
        return set(done.stdout.splitlines())

    ours, theirs = lines(sys.executable), lines(installed[minor])
    zlib_versions = {line.split()[1] for line in ours | theirs if not line.startswith("tar ")}
    if len(zlib_versions) > 1:
        ours, theirs = ({line for line in each if line.startswith("tar ")} for each in (ours, theirs))
    assert ours == theirs
