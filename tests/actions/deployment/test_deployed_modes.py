"""Modes of what a deploy writes, whatever the umask is."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.folder_server import serving_folder
from venvstacks.api import deployments as deployment


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
def test_modes_are_the_published_ones(first: Path, second: Path, tmp_path: Path, start: Callable[..., str]) -> None:
    folder = tmp_path / "new" / "d"
    with serving_folder(first) as web:
        deployment.deploy(web.url, folder)
    deployment.deploy(str(second), folder)
    assert start(folder, "frog") == "1 1 2"
    places = [folder.parent, folder, *folder.rglob("*")]
    found = {str(place): stat.S_IMODE(place.lstat().st_mode) for place in places if not place.is_symlink()}
    wanted = {
        name: 0o755 if Path(name).is_dir() or "/bin/" in name or "/start/" in name else 0o644
        for name in found
        if not name.endswith(".lock")
    }
    assert {name: oct(mode) for name, mode in found.items() if mode != wanted.get(name, mode)} == {}
    assert not (folder / ".lock").stat().st_mode & 0o022
