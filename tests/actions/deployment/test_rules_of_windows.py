"""What Windows demands of a deploy, checked on systems that do not demand it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.support.published_layers import SITE, Published, application, framework, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.api import opened_source
from venvstacks.deployment.steps import instances, switch
from venvstacks.deployment.steps.update_plan import DeployRequest
from venvstacks.errors import DeployError
from venvstacks.model.platforms import PLATFORMS
from venvstacks.tools.folder_links import link_folder


def for_windows(layer: Published) -> Published:
    return replace(layer, changes={"target_platform": "win_amd64"})


def test_links_are_made_to_folders_that_exist(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A junction cannot be made before the folder that it leads to."""
    made: list[str] = []

    def junction(place: Path, target: Path) -> None:
        assert target.is_dir(), f"{place} leads nowhere"
        made.append(place.name)
        link_folder(place, target)

    for module in (instances, switch):
        monkeypatch.setattr(module, "link_folder", junction)
    deployment.deploy(str(first), tmp_path / "d", ["newt"])
    assert sorted(made) == ["framework-pond", "framework-reeds", "newt", "py", "py", "py"]


@pytest.mark.parametrize("long_paths", [True, False])
def test_a_path_that_is_too_long_is_named_before_anything_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, long_paths: bool
) -> None:
    pond = framework("pond")
    deep = replace(pond, files={**pond.files, f"{SITE}/pond_data/{'x' * 200}.txt": b"x"})
    publish(tmp_path / "published", map(for_windows, (runtime(), deep, application("frog", uses=("pond",)))))
    monkeypatch.setattr(opened_source, "this_platform", lambda: PLATFORMS["win_amd64"])
    monkeypatch.setattr(opened_source, "DeployRequest", partial(DeployRequest, long_paths=lambda _: long_paths))
    if long_paths:
        assert deployment.deploy(str(tmp_path / "published"), tmp_path / "d").changed
        return
    with pytest.raises(DeployError, match=r"framework-pond/.*/x{200}\.txt is a path of \d{3} characters") as caught:
        deployment.deploy(str(tmp_path / "published"), tmp_path / "d")
    assert "long paths" in str(caught.value.hint)
    assert [*tmp_path.glob("d/store/*")] == []


def test_copies_in_place_of_an_overlay_s_links_are_no_difference(tmp_path: Path) -> None:
    overlay = b'{"format": 1, "links": {"share/lily": "../framework-pond/share/lily"}}'
    pond, frog = framework("pond"), application("frog", uses=("pond",))
    below = replace(pond, files={**pond.files, "share/lily": b"white"})
    above = replace(frog, files={**frog.files, "share/venv/metadata/venvstacks_overlay.json": overlay})
    publish(tmp_path / "published", (runtime(), below, above))
    deployment.deploy(str(tmp_path / "published"), tmp_path / "d")
    copy = tmp_path / "d/current/apps/frog/share/lily"
    assert copy.is_symlink()
    original = copy.resolve()
    copy.unlink()
    shutil.copyfile(original, copy)
    assert deployment.status(tmp_path / "d", verify=True).differences == ()
    copy.write_bytes(b"black")
    assert [one.path for one in deployment.status(tmp_path / "d", verify=True).differences or ()] == [
        "app-frog/share/lily"
    ]
