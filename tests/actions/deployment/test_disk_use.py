"""What `status` says about the disk is what `du` says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from venvstacks.api import deployments as deployment
from venvstacks.cli.deploy_output import status_lines


@pytest.mark.skipif(shutil.which("du") is None, reason="needs du")
def test_generated_files_and_earlier_generations_count(first: Path, second: Path, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    deployment.deploy(str(first), folder, ["frog"])
    deployment.deploy(str(second), folder)
    found = deployment.status(folder)
    command = ["du", "-B1", "-d1", folder / "store"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    sizes = {Path(place).name: int(size) for size, place in (line.split("\t") for line in lines)}
    total = sizes.pop("store")
    assert found.disk_use == sizes
    assert len(sizes) > len(found.generation.instances)
    assert all(found.disk_use[one.id] > one.size for one in found.generation.instances)
    own = (folder / "store").lstat().st_blocks * 512
    text = f"{(total - own) / 1e6:.1f} MB on the disk, "
    assert [line for line in status_lines(found) if line.startswith(text)]


def test_a_file_with_several_names_counts_once(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    before = sum(deployment.status(tmp_path).disk_use.values())
    *_, one, other = sorted((tmp_path / "store").iterdir())
    (one / "large").write_bytes(b"x" * 1_000_000)
    os.link(one / "large", other / "large")
    assert 1_000_000 <= sum(deployment.status(tmp_path).disk_use.values()) - before < 1_100_000
