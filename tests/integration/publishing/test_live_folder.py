"""An output folder that is served while it is published to: nobody ever gets a mixture, even of killed runs."""

from __future__ import annotations

import random
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.folder_server import serving_folder
from tests.support.installed_applications import assert_clean
from tests.support.live_publishing import (
    LAYOUT,
    again_and_again,
    deploying,
    publish,
    publish_and_kill,
    read_once,
    reading,
)
from venvstacks.deployment.steps.publication_source import FolderSource, WebSource
from venvstacks.tools.transfer import Downloads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the published layers are for Linux")

PUBLICATIONS = 50


@pytest.mark.slow
def test_readers_and_deploys_of_a_live_folder_get_one_state_while_publishing_runs_and_is_killed(tmp_path: Path) -> None:
    publish(tmp_path, 0)
    folder = tmp_path / LAYOUT.artifacts
    with serving_folder(folder) as web, Downloads({}) as downloads:
        sources = FolderSource(folder), WebSource(web.url, downloads)
        deploy = deploying(web.url, tmp_path / "deployed")
        with again_and_again(*map(reading, sources)) as readings, again_and_again(deploy) as deploys:
            signals = publish_and_kill(tmp_path, PUBLICATIONS, random.Random(1), seconds=1.5)
        assert deploy() == str(PUBLICATIONS)
    assert readings.faults == []
    assert deploys.faults == []
    assert len(deploys.states) > 3, "what was deployed changed"
    assert_clean(tmp_path / "deployed")
    assert signals >= 3
    assert readings.count > 10
    assert len(readings.states) > 3, "readers saw the folder change"
    assert read_once(FolderSource(folder), tmp_path) == sha256(f"{PUBLICATIONS}\n".encode()).hexdigest()


def test_what_was_published_stays_until_nobody_can_want_it(tmp_path: Path) -> None:
    seen: dict[str, bytes] = {}
    for state in range(4):
        publish(tmp_path, state)
        for path in (tmp_path / LAYOUT.artifacts).glob("*.*"):
            assert seen.setdefault(path.name, path.read_bytes()) == path.read_bytes(), "a name has other bytes now"
    assert set(seen) == {path.name for path in (tmp_path / LAYOUT.artifacts).glob("*.*")}
