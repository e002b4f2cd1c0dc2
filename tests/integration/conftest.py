"""The stack of `sample_stack`: locked once, built and published once per session; runtimes prepared once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.sample_stack import Pond, make_pond, ran


@pytest.fixture(scope="session")
def locked_pond(tmp_path_factory: pytest.TempPathFactory) -> Pond:
    """The locked stack, to be copied."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    folder = tmp_path_factory.mktemp("pond")
    pond = make_pond(folder / "locked", folder / "cache")
    ran(pond.run("lock"))
    return pond


@pytest.fixture(scope="session")
def published_pond(locked_pond: Pond, tmp_path_factory: pytest.TempPathFactory) -> Pond:
    """Built, published and exported; only to be looked at."""
    pond = locked_pond.copy(tmp_path_factory.mktemp("published") / "of-this-very-machine")
    ran(pond.run("build", "publish", "export"))
    return pond


@pytest.fixture
def pond(locked_pond: Pond, tmp_path: Path) -> Pond:
    """A locked stack of the test's own, nothing built."""
    return locked_pond.copy(tmp_path / "pond")
