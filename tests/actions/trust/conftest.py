"""One publisher and one deployment of its first release; tests work on copies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.published_layers import PLATFORM
from tests.support.signed_publications import Publisher, copied, make_publisher
from venvstacks.api import deployments as deployment
from venvstacks.trust.root_rotation import NewKeys

pytest.importorskip("tuf")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Publisher, Path]:
    if PLATFORM is None or PLATFORM.is_windows:
        pytest.skip("the handmade layers hold shell scripts")
    base = tmp_path_factory.mktemp("publisher")
    publisher = make_publisher(base, NewKeys("Pond Ltd", {"root": 3}, {"root": 2}))
    deployment.deploy(str(publisher.old), base / "installed")
    return publisher, base / "installed"


@pytest.fixture
def publisher(made: tuple[Publisher, Path], tmp_path: Path) -> Publisher:
    return copied(made[0], tmp_path)


@pytest.fixture
def installed(made: tuple[Publisher, Path], tmp_path: Path) -> Path:
    """A deployment of release 2.4.0 that trusts the publisher."""
    copy = Path(shutil.copytree(made[1], tmp_path / "installed", symlinks=True))
    deployment.collect(copy)  # the first change of a copy writes what names its folder
    return copy
