"""Releases of publications: shown when they change, refused when they are older, and looked at without a change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.folder_server import serving_folder
from tests.support.published_layers import application, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Publications of one application: 2.4.0, 2.4.1 with other files, 2.4.2 with the same, and one without release."""
    base = tmp_path_factory.mktemp("releases")
    for release, text in (("2.4.0", "old"), ("2.4.1", "new"), ("2.4.2", "new"), ("none", "older")):
        publish(base / release, (runtime(), application("frog", text=text)), release=release.replace("none", "1"))
    manifest = base / "none/__venvstacks__/venvstacks.json"
    data = json.loads(manifest.read_text("utf-8"))
    del data["venvstacks"]
    manifest.write_text(json.dumps(data), "utf-8")
    return {place.name: place for place in base.iterdir()}


def test_an_update_names_both_releases_and_an_older_one_has_to_be_allowed(
    releases: dict[str, Path], tmp_path: Path
) -> None:
    first = deployment.deploy(str(releases["2.4.0"]), tmp_path)
    assert [step.text for step in first.releases] == ["2.4.0"]
    done = deployment.deploy(str(releases["2.4.1"]), tmp_path)
    assert [step.text for step in done.releases] == ["2.4.0 -> 2.4.1"]
    with pytest.raises(DeployError, match="older release") as caught:
        deployment.deploy(str(releases["2.4.0"]), tmp_path)
    assert caught.value.details == ("frog: 2.4.1 -> 2.4.0",)
    assert deployment.status(tmp_path).generation.number == 2
    back = deployment.deploy(str(releases["2.4.0"]), tmp_path, allow_downgrade=True)
    assert back.generation.releases == {"frog": "2.4.0"}


def test_a_publication_without_a_release_is_older_than_one_with_it(releases: dict[str, Path], tmp_path: Path) -> None:
    assert deployment.deploy(str(releases["none"]), tmp_path).generation.releases == {}
    assert deployment.deploy(str(releases["2.4.0"]), tmp_path).changed
    with pytest.raises(DeployError, match="older release"):
        deployment.deploy(str(releases["none"]), tmp_path)


def test_a_new_name_for_the_same_files_is_recorded_without_a_generation(
    releases: dict[str, Path], tmp_path: Path
) -> None:
    deployment.deploy(str(releases["2.4.1"]), tmp_path)
    done = deployment.deploy(str(releases["2.4.2"]), tmp_path)
    assert (done.changed, done.generation.number, done.generation.releases) == (False, 1, {"frog": "2.4.2"})
    assert deployment.status(tmp_path, verify=True).differences == ()
    assert deployment.status(tmp_path).generation == done.generation
    generation, _ = deployment.remove(tmp_path, ["frog"])
    assert generation.releases == {}


def test_looking_changes_nothing_and_counts_what_would_come(releases: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "d"
    with serving_folder(releases["2.4.0"]) as web:
        found = deployment.check(web.url, folder)
        assert (found.is_newer, found.fetch, folder.exists()) == (True, ("py", "app-frog"), False)
        assert found.bytes_to_fetch == sum(place.stat().st_size for place in releases["2.4.0"].glob("*.tar.zst"))
        done = deployment.deploy(web.url, folder)
        assert done.bytes_fetched == found.bytes_to_fetch
        assert not deployment.check(web.url, folder).is_newer
    newer = deployment.check(str(releases["2.4.1"]), folder)
    assert (newer.is_newer, newer.fetch, newer.keep) == (True, ("app-frog",), ("py",))
    older = deployment.check(str(releases["none"]), folder)
    assert (older.changed, older.older, older.is_newer) == (True, True, False)
    assert deployment.status(folder).generation == done.generation


def test_a_folder_of_something_else_is_not_looked_at(releases: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear frog")
    with pytest.raises(DeployError, match="holds something else"):
        deployment.check(str(releases["2.4.0"]), tmp_path)
