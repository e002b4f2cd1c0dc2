"""Updates by deltas from signed publications: deltas are signed like everything else, and never needed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.delta_publications import chain
from tests.support.installed_applications import printed
from tests.support.signed_publications import TUF, now, sign
from venvstacks.api import deployments as deployment
from venvstacks.trust.root_rotation import NewKeys, make_keys


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two signed publications, the second with deltas from the first."""
    base = tmp_path_factory.mktemp("signed")
    make_keys(base / "keys", NewKeys("Pond Ltd", {}, {}), now())
    folders = chain(base / "published", ["one", "two"])
    for number, folder in enumerate(folders, 1):
        sign(folder, base / "keys", number=number)
    return folders


def deployed(source: Path, folder: Path, warnings: list[str]) -> deployment.Deployed:
    return deployment.deploy(str(source), folder, None, deployment.DeployOptions(warn=warnings.append))


def test_a_signed_delta_is_taken(releases: list[Path], tmp_path: Path) -> None:
    warnings: list[str] = []
    deployed(releases[0], tmp_path / "d", warnings)
    done = deployed(releases[1], tmp_path / "d", warnings)
    assert "framework-pond" in done.updated
    assert warnings == []
    assert "two" in printed(tmp_path / "d", "frog")
    (targets,) = (releases[1] / TUF).glob("*.targets.json")
    signed = json.loads(targets.read_text("utf-8"))["signed"]["targets"]
    assert any(name.endswith(".delta") for name in signed)


def test_another_delta_than_the_signed_one_brings_the_archive(releases: list[Path], tmp_path: Path) -> None:
    warnings: list[str] = []
    deployed(releases[0], tmp_path / "d", warnings)
    served = shutil.copytree(releases[1], tmp_path / "served")
    (delta,) = served.glob("framework-pond-*.delta")
    delta.write_bytes(delta.read_bytes()[:-1] + b"\0")
    done = deployed(served, tmp_path / "d", warnings)
    assert "framework-pond" not in done.updated
    assert len(warnings) == 1
    assert "two" in printed(tmp_path / "d", "frog")
    assert deployment.status(tmp_path / "d", verify=True).differences == ()
