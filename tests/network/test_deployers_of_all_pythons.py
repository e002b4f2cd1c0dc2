"""One deployer verifies signatures with every Python from 3.9 on: the packages for 3.9 come from an index."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import findpython
import pytest

from tests.support.signed_publications import Publisher, make_publisher
from venvstacks.trust.root_rotation import NewKeys

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made") / "venvstacks-deploy.pyz"
    command = [sys.executable, "-m", "venvstacks", "deployer", "-o", place]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "with Python 3.9 and later" in done.stdout + done.stderr
    return place


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return make_publisher(tmp_path_factory.mktemp("publisher"), NewKeys("Pond Ltd"))


@pytest.mark.parametrize("minor", range(9, 15))
def test_signatures_are_verified(minor: int, deployer: Path, publisher: Publisher, tmp_path: Path) -> None:
    found = findpython.find(3, minor, allow_prereleases=True)
    if found is None:
        pytest.skip(f"Python 3.{minor} is not installed")
    source = shutil.copytree(publisher.new, tmp_path / "source")
    command = [found.executable, "-I", "-S", deployer, "deploy", source, "--to", tmp_path / "d", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 10, done.stderr
    assert f"signed by Pond Ltd (root 1, {publisher.fingerprint})" in done.stdout
    (source / "__venvstacks__/tuf/timestamp.json").write_bytes(
        (publisher.old / "__venvstacks__/tuf/1.root.json").read_bytes()
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
