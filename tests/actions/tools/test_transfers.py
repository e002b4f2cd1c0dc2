from __future__ import annotations

import gzip
import random
import socket
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.folder_server import WebFolder, serving_folder
from tests.support.loopback_server import serving
from venvstacks.errors import TransferError
from venvstacks.tools.transfer import Downloads, WantedFile

CONTENT = random.Random(1).randbytes(900_000)
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebFolder]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a b@1.bin").write_bytes(CONTENT)
    with serving_folder(folder) as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def downloads(pauses: list[float]) -> Iterator[Downloads]:
    with Downloads({}, pauses=(0.1, 0.2, 0.3), sleep=pauses.append) as ready:
        yield ready


def wanted(web: WebFolder, size: int | None = len(CONTENT)) -> WantedFile:
    return WantedFile(f"{web.url}/a%20b@1.bin", DIGEST, size)


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_file_arrives_whole(web: WebFolder, downloads: Downloads, tmp_path: Path, size: int | None) -> None:
    seen: list[tuple[str, int, int | None]] = []
    downloads.progress = lambda *step: seen.append(step)
    downloads.fetch(wanted(web, size), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert seen[-1] == ("downloading a b@1.bin", len(CONTENT), len(CONTENT))


def test_what_is_there_is_not_fetched_again(web: WebFolder, downloads: Downloads, tmp_path: Path) -> None:
    (tmp_path / "half").write_bytes(CONTENT[:500_000])
    downloads.fetch(wanted(web), tmp_path / "half")
    assert (tmp_path / "half").read_bytes() == CONTENT
    (tmp_path / "whole").write_bytes(CONTENT)
    downloads.fetch(wanted(web), tmp_path / "whole")
    downloads.fetch(wanted(web, None), tmp_path / "whole")
    assert [start for _, start in web.asked] == [500_000, len(CONTENT)]


def test_cut_connections_are_taken_up_where_they_broke(
    web: WebFolder, downloads: Downloads, pauses: list[float], tmp_path: Path
) -> None:
    web.cuts = [1, 1000, 1001, 400_000, 400_001, 800_000, 899_999]
    downloads.fetch(wanted(web), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert [start for _, start in web.asked] == [0, 1, 1000, 1001, 400_000, 400_001, 800_000, 899_999]
    assert pauses == [0.1, 0.2, 0.3, 0.1, 0.2, 0.1, 0.1], "only progress that is worth it brings all attempts back"


def test_it_gives_up_when_nothing_comes_any_more(
    web: WebFolder, downloads: Downloads, pauses: list[float], tmp_path: Path
) -> None:
    web.cuts = [1000] * 20
    with pytest.raises(TransferError, match="broke off: ") as caught:
        downloads.fetch(wanted(web), tmp_path / "x")
    assert caught.value.kind == "broken off"
    assert pauses == [0.1, 0.2, 0.3]
    assert (tmp_path / "x").read_bytes() == CONTENT[:1000], "kept for the next time"
    web.cuts = []
    downloads.fetch(wanted(web), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_a_server_without_parts_of_files_sends_all_again(web: WebFolder, downloads: Downloads, tmp_path: Path) -> None:
    web.ranges = False
    web.cuts = [600_000]
    downloads.fetch(wanted(web), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("begun", [b"?" * 1000, b"?" * len(CONTENT), b"?" * 1_000_000])
def test_the_beginning_of_another_file_is_discarded(
    begun: bytes, web: WebFolder, downloads: Downloads, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(begun)
    downloads.fetch(wanted(web), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_wrong_bytes_are_refused_and_not_kept(web: WebFolder, downloads: Downloads, tmp_path: Path) -> None:
    web.wrong = {"a b@1.bin"}
    with pytest.raises(TransferError, match="is not the file that was expected: its SHA-256 is"):
        downloads.fetch(wanted(web), tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1, 0])
def test_another_size_is_refused_before_it_is_fetched(
    web: WebFolder, downloads: Downloads, tmp_path: Path, size: int
) -> None:
    seen: list[object] = []
    downloads.progress = lambda *step: seen.append(step)
    with pytest.raises(TransferError, match=f"it has {len(CONTENT)} bytes, not {size}"):
        downloads.fetch(wanted(web, size), tmp_path / "x")
    assert seen == []


@pytest.mark.parametrize(
    ("statuses", "attempts"), [([503, 500], 3), ([429], 2), ([503] * 9, 4), ([404] * 9, 1), ([403] * 9, 1)]
)
def test_which_answers_are_worth_another_attempt(
    statuses: list[int], attempts: int, web: WebFolder, downloads: Downloads, tmp_path: Path
) -> None:
    web.statuses = list(statuses)
    if len(statuses) < 9:
        downloads.fetch(wanted(web), tmp_path / "x")
    else:
        with pytest.raises(TransferError, match=f"was answered with HTTP status {statuses[0]}") as caught:
            downloads.fetch(wanted(web), tmp_path / "x")
        assert caught.value.kind == {404: "missing", 403: "forbidden"}.get(statuses[0], "refused")
    assert len(web.asked) == attempts


def test_small_files_at_once(web: WebFolder, downloads: Downloads) -> None:
    (web.folder / "small").write_bytes(b"frog")
    web.statuses, web.cuts = [503], [2]
    assert downloads.read(f"{web.url}/small", 4) == b"frog"
    with pytest.raises(TransferError, match="it has 4 bytes, and may have 3"):
        downloads.read(f"{web.url}/small", 3)
    with pytest.raises(TransferError, match="status 404") as caught:
        downloads.read(f"{web.url}/missing", 3)
    assert caught.value.kind == "missing"


def test_a_server_that_is_not_there_is_tried_again(downloads: Downloads, pauses: list[float], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://me:secret@127.0.0.1:{taken.getsockname()[1]}/x"
        with pytest.raises(TransferError, match="cannot be reached") as caught:
            downloads.fetch(WantedFile(url, DIGEST), tmp_path / "x")
    assert pauses == [0.1, 0.2, 0.3]
    assert "secret" not in str(caught.value)


def send_encoded(request: BaseHTTPRequestHandler) -> None:
    content = gzip.compress(b"{}")
    request.send_response(200)
    request.send_header("Content-Encoding", "gzip")
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


def test_what_is_compressed_on_the_way_is_refused_by_name(downloads: Downloads) -> None:
    with serving(send_encoded) as url:
        with pytest.raises(TransferError, match=r"manifest\.json was sent with the encoding 'gzip'") as caught:
            downloads.read(f"{url}/manifest.json", 100)
        assert "without compressing" in str(caught.value.hint)
        assert gzip.decompress(downloads.read(f"{url}/files.json.gz", 100)) == b"{}"


def test_a_proxy_that_wants_a_login() -> None:
    def refuse(request: BaseHTTPRequestHandler) -> None:
        request.send_response(407)
        request.send_header("Content-Length", "0")
        request.end_headers()

    with (
        serving(refuse) as url,
        Downloads({"http_proxy": url}) as downloads,
        pytest.raises(TransferError, match="HTTP status 407") as caught,
    ):
        downloads.read("http://pond.invalid/x", 100)
    assert "the proxy wants a login" in str(caught.value.hint)
