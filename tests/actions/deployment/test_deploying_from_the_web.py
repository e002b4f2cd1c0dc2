from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.folder_server import WebFolder, serving_folder
from venvstacks.api import deployments as deployment
from venvstacks.deployment.steps.place import make_place
from venvstacks.digests import sha256_bytes
from venvstacks.errors import DeployError, UsageError
from venvstacks.model.conventions import METADATA_DIR

PATIENT = deployment.DeployOptions(retry_pauses=(0.0, 0.0, 0.0))
IMPATIENT = deployment.DeployOptions(retry_pauses=())


@pytest.fixture
def web(first: Path) -> Iterator[WebFolder]:
    with serving_folder(first) as running:
        yield running


@pytest.fixture
def layers(first: Path, tmp_path: Path) -> Iterator[WebFolder]:
    """Like `web`, for tests that change what is served."""
    shutil.copytree(first, tmp_path / "served", symlinks=True)
    with serving_folder(tmp_path / "served") as running:
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
        assert "continues where this one stopped" in str(caught.value)
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
    assert [*tmp_path.glob("store/*")] == []


def test_other_downloads_end_when_one_is_refused(web: WebFolder, tmp_path: Path) -> None:
    web.wrong, web.slow = {"app-frog.tar.zst"}, {"py.tar.zst"}
    with pytest.raises(DeployError, match=r"app-frog\.tar\.zst is not the file that"):
        deployment.deploy(web.url, tmp_path, ["frog"], IMPATIENT)
    (part,) = (tmp_path / "downloads").glob("*-py.tar.zst*")
    assert part.stat().st_size < (web.folder / "py.tar.zst").stat().st_size


def test_downloads_end_when_the_user_has_enough(web: WebFolder, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int | None) -> None:  # noqa: ARG001 - the signature of progress
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


def tag_no_manifest(web: WebFolder) -> None:
    """Only the manifest without a platform in its name is there, and files that are missing are forbidden (S3)."""
    web.missing_status = 403
    for path in (web.folder / METADATA_DIR).glob("venvstacks-*.json"):
        path.replace(path.with_name("venvstacks.json"))


def test_a_server_that_does_not_say_what_is_missing(layers: WebFolder, tmp_path: Path) -> None:
    tag_no_manifest(layers)
    assert deployment.deploy(layers.url, tmp_path / "d", ["frog"], IMPATIENT).changed
    with pytest.raises(DeployError, match="status 403") as caught:
        deployment.deploy(f"{layers.url}/elsewhere", tmp_path / "d", options=IMPATIENT)
    assert "token" in (caught.value.hint or "")


def test_a_server_that_sends_a_page_for_what_is_missing(layers: WebFolder, tmp_path: Path) -> None:
    tag_no_manifest(layers)
    layers.page = b"\n<!doctype html><title>Frogs</title>"
    assert deployment.deploy(layers.url, tmp_path / "d", ["frog"], IMPATIENT).changed
    with pytest.raises(DeployError, match="nothing is published for linux_x86_64 at http"):
        deployment.deploy(f"{layers.url}/elsewhere", tmp_path / "e", options=IMPATIENT)


def test_a_part_of_a_url_that_is_sent_to_nobody(layers: WebFolder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"/frogs has a '#'") as caught:
        deployment.deploy(f"{layers.url}/frogs#1", tmp_path / "d", options=IMPATIENT)
    assert "write %23" in (caught.value.hint or "")
    assert layers.asked == []


def test_a_folder_by_its_url(first: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(first, tmp_path / "ä #1 100%41", symlinks=True))
    for number, url in enumerate((folder.as_uri(), folder.as_uri().replace("file://", "FILE://localhost"))):
        done = deployment.check(url, tmp_path / f"d{number}")
        assert done.fetch
    assert deployment.deploy(folder.as_uri(), tmp_path / "d", ["frog"]).generation.source == str(folder)
    with pytest.raises(UsageError, match="a file: URL of another machine, pond"):
        deployment.deploy("file://pond/frogs", tmp_path / "d")


def test_a_query_is_sent_but_never_shown(layers: WebFolder, tmp_path: Path) -> None:
    layers.query = "sv=2024&sig=s3cret%2F"
    seen: list[str] = []
    options = replace(IMPATIENT, progress=lambda what, *_: seen.append(what))
    url = f"{layers.url}?{layers.query}"
    deployment.deploy(url, tmp_path / "d", ["frog"], options)
    generation = deployment.status(tmp_path / "d").generation
    assert generation.source == f"{layers.url}?..."
    kept = [path.read_bytes() for path in (tmp_path / "d").rglob("*") if path.is_file() and not path.is_symlink()]
    layers.query = "another"
    with pytest.raises(DeployError, match="status 403") as caught:
        deployment.deploy(url, tmp_path / "d", ["newt"], options)
    assert "s3cret" not in f"{caught.value}{seen}"
    assert not [content for content in kept if b"s3cret" in content]


def test_plain_http_from_elsewhere_is_warned_about(layers: WebFolder, tmp_path: Path) -> None:
    warnings: list[str] = []
    options = replace(IMPATIENT, warn=warnings.append)
    deployment.deploy(layers.url, tmp_path / "d", ["newt"], options)
    assert warnings == []
    elsewhere = layers.url.replace("127.0.0.1", "127.1")  # another name of loopback, which nothing here knows
    deployment.deploy(elsewhere, tmp_path / "d", ["newt"], options)
    assert warnings == [f"{elsewhere} is neither encrypted nor signed: it can be changed on its way"]


def test_a_login_that_is_not_clear_is_sent_to_nobody(layers: WebFolder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be split into login, host and path") as caught:
        deployment.deploy(layers.url.replace("//", "//me:s3/cret@"), tmp_path / "d", options=IMPATIENT)
    assert "cret" not in str(caught.value).replace("s3cret", "")
    assert layers.asked == []


@pytest.mark.parametrize("spoil", [lambda data: bytes([data[0] ^ 1]) + data[1:], lambda data: data[:-1]])
@pytest.mark.parametrize("repair", [False, True])
def test_a_finished_download_that_was_damaged_is_fetched_again(
    spoil: Callable[[bytes], bytes], *, repair: bool, layers: WebFolder, tmp_path: Path
) -> None:
    layers.wrong = {"app-frog.tar.zst"}
    with pytest.raises(DeployError, match=r"app-frog\.tar\.zst is not the file"):
        deployment.deploy(layers.url, tmp_path / "d", ["frog"], replace(IMPATIENT, threads=1))
    layers.wrong = set()
    place = make_place(tmp_path / "d")
    place.downloads.mkdir(exist_ok=True)
    for name in ("py.tar.zst", "framework-pond.tar.zst"):
        content = (layers.folder / name).read_bytes()
        (place.downloads / f"{sha256_bytes(content)[:16]}-{name}").write_bytes(spoil(content))
    layers.asked.clear()
    assert deployment.deploy(layers.url, tmp_path / "d", ["frog"], IMPATIENT, repair=repair).changed
    assert archives(layers) == ["app-frog.tar.zst", "framework-pond.tar.zst", "py.tar.zst"]


def test_only_what_came_over_the_network_counts_as_fetched(layers: WebFolder, tmp_path: Path) -> None:
    sizes = {name: (layers.folder / name).stat().st_size for name in ("py.tar.zst", "framework-pond.tar.zst")}
    sizes["app-frog.tar.zst"] = (layers.folder / "app-frog.tar.zst").stat().st_size
    place = make_place(tmp_path / "d")
    place.downloads.mkdir()
    whole = (layers.folder / "py.tar.zst").read_bytes()
    (place.downloads / f"{sha256_bytes(whole)[:16]}-py.tar.zst").write_bytes(whole)
    half = (layers.folder / "app-frog.tar.zst").read_bytes()
    (place.downloads / f"{sha256_bytes(half)[:16]}-app-frog.tar.zst.part").write_bytes(half[:100])
    done = deployment.deploy(layers.url, tmp_path / "d", ["frog"], IMPATIENT)
    assert done.bytes_fetched == sizes["framework-pond.tar.zst"] + sizes["app-frog.tar.zst"] - 100


@pytest.mark.parametrize("name", ["__venvstacks__/venvstacks.json", "py.tar.zst"])
def test_what_is_no_file_in_a_folder_is_refused(name: str, layers: WebFolder, tmp_path: Path) -> None:
    tag_no_manifest(layers)
    (layers.folder / name).unlink()
    os.mkfifo(layers.folder / name)
    with pytest.raises(DeployError, match="it is not a file"):
        deployment.deploy(str(layers.folder), tmp_path / "d", ["frog"])


def test_phases_are_reported_from_the_first_byte_to_the_last(layers: WebFolder, tmp_path: Path) -> None:
    seen: list[deployment.PhaseProgress] = []
    place = make_place(tmp_path / "d")
    place.downloads.mkdir()
    packed = (layers.folder / "app-frog.tar.zst").read_bytes()
    (place.downloads / f"{sha256_bytes(packed)[:16]}-app-frog.tar.zst.part").write_bytes(packed[:100])
    done = deployment.deploy(layers.url, tmp_path / "d", ["frog"], replace(IMPATIENT, on_phase=seen.append))
    assert list(dict.fromkeys(one.phase for one in seen)) == ["checking", "fetching", "unpacking", "compiling"]
    last = {one.phase: one for one in seen}
    assert all(one.done == one.total for one in last.values()), last
    assert last["fetching"].total == done.bytes_fetched
    assert last["unpacking"].total == sum(one.size for one in done.generation.instances)


def test_a_rate_is_kept_to(layers: WebFolder, tmp_path: Path) -> None:
    options = replace(IMPATIENT, environment={"VENVSTACKS_LIMIT_RATE": "40k"})
    began = time.monotonic()
    done = deployment.deploy(layers.url, tmp_path / "d", ["newt"], options)
    assert time.monotonic() - began >= done.bytes_fetched / (40 << 10)
    with pytest.raises(UsageError, match="'fast' is no rate"):
        deployment.deploy(
            layers.url, tmp_path / "d", options=replace(options, environment={"VENVSTACKS_LIMIT_RATE": "fast"})
        )
