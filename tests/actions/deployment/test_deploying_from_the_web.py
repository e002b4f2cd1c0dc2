from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.folder_server import WebFolder, serving_folder
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError

PATIENT = deployment.DeployOptions(retry_pauses=(0.0, 0.0, 0.0))
IMPATIENT = deployment.DeployOptions(retry_pauses=())


@pytest.fixture
def web(first: Path) -> Iterator[WebFolder]:
    with serving_folder(first) as running:
        yield running


def archives(web: WebFolder) -> list[str]:
    return sorted(path for path, start in web.asked if path.endswith(".tar.zst") and not start)


def test_only_what_is_needed_is_fetched(web: WebFolder, tmp_path: Path, start: Callable[..., str]) -> None:
    deployment.deploy(web.url, tmp_path, ["frog"], PATIENT)
    assert archives(web) == ["app-frog.tar.zst", "framework-pond.tar.zst", "py.tar.zst"]
    assert start(tmp_path, "frog") == "1 1 1"
    web.asked.clear()
    deployment.deploy(f"{web.url}/", tmp_path, ["newt"], PATIENT)
    assert archives(web) == ["app-newt.tar.zst", "framework-reeds.tar.zst"]
    web.asked.clear()
    assert not deployment.deploy(web.url, tmp_path, options=PATIENT).changed
    assert {path.rpartition("/")[2] for path, _ in web.asked} == {
        "venvstacks-linux_x86_64.json",
        "venvstacks.json",
    } or (archives(web) == [])
    assert not (tmp_path / "downloads").exists()


def test_a_network_that_is_cut_again_and_again(
    web: WebFolder, second: Path, tmp_path: Path, start: Callable[..., str]
) -> None:
    """At 20 offsets the connection ends, and the deploy fails; the old state runs until one deploy gets through."""
    deployment.deploy(str(second), tmp_path, ["frog"])
    chance = random.Random(3)
    size = (web.folder / "py.tar.zst").stat().st_size
    for offset in sorted(chance.sample(range(1, size), 20)):
        web.cuts = [offset] * 9
        with pytest.raises(DeployError, match="broke off") as caught:
            deployment.deploy(web.url, tmp_path, ["frog"], IMPATIENT)
        assert "goes on where this one stopped" in str(caught.value)
        assert deployment.status(tmp_path).generation.number == 1
    assert start(tmp_path, "frog") == "1 1 2"
    web.cuts = []
    web.asked.clear()
    deployment.deploy(web.url, tmp_path, ["frog"], IMPATIENT)
    assert start(tmp_path, "frog") == "1 1 1"
    assert max(begun for path, begun in web.asked if path == "py.tar.zst") > 0, "not from the beginning"
    assert deployment.status(tmp_path, verify=True).differences == ()
    assert sorted(place.name for place in tmp_path.iterdir() if not place.name.startswith(".")) == [
        "current", "generations", "staging", "store", "venvstacks-deployment.json",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["py.tar.zst", "py.tar.zst.files.json.gz"])
def test_other_bytes_than_the_manifest_speaks_of(name: str, web: WebFolder, tmp_path: Path) -> None:
    web.wrong = {name}
    with pytest.raises(DeployError, match=r"py\.tar\.zst.* is not the file that"):
        deployment.deploy(web.url, tmp_path, ["frog"], IMPATIENT)
    assert [*(tmp_path / "store").iterdir()] == []


def test_other_downloads_end_when_one_is_refused(web: WebFolder, tmp_path: Path) -> None:
    web.wrong, web.slow = {"app-frog.tar.zst"}, {"py.tar.zst"}
    with pytest.raises(DeployError, match=r"app-frog\.tar\.zst is not the file that"):
        deployment.deploy(web.url, tmp_path, ["frog"], IMPATIENT)
    (part,) = (tmp_path / "downloads").glob("*-py.tar.zst*")
    assert part.stat().st_size < (web.folder / "py.tar.zst").stat().st_size


def test_downloads_end_when_the_user_has_enough(web: WebFolder, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int | None) -> None:  # noqa: ARG001 - what progress is told
        if "py.tar.zst" not in what:
            raise KeyboardInterrupt

    web.slow = {"py.tar.zst"}
    with pytest.raises(KeyboardInterrupt):
        deployment.deploy(web.url, tmp_path, ["frog"], replace(IMPATIENT, progress=interrupt))
    (part,) = (tmp_path / "downloads").glob("*-py.tar.zst*")
    assert part.stat().st_size < (web.folder / "py.tar.zst").stat().st_size
    web.slow = set()
    assert deployment.deploy(web.url, tmp_path, ["frog"], PATIENT).changed


@pytest.mark.parametrize("status", [500, 403, 503])
def test_servers_that_refuse(status: int, web: WebFolder, tmp_path: Path) -> None:
    web.statuses = [status] * 9
    with pytest.raises(DeployError, match=f"status {status}"):
        deployment.deploy(web.url, tmp_path / "d", ["frog"], IMPATIENT)
    assert not (tmp_path / "d").exists()


def test_nothing_is_published_there(web: WebFolder, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="nothing is published for linux_x86_64 at http") as caught:
        deployment.deploy(f"{web.url}/elsewhere", tmp_path / "d", options=IMPATIENT)
    assert len(caught.value.details) == 2
