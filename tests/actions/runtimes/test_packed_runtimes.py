"""Providers `archive` and `standalone` against files and a mirror on loopback."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pbs_installer
import pytest

from tests.support.capabilities import needs_symbolic_links
from tests.support.packed_pythons import WANTED, Mirror, pack, serving, tools_in, wanted_archive, wanted_python
from venvstacks.digests import tree_digest
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.runtimes.archive_provider import ArchiveProvider
from venvstacks.runtimes.standalone_provider import MIRROR_VARIABLE, StandaloneProvider

PACKED = pack()
NAME = "cpython-3.11.7+20240107-x86_64-unknown-linux-gnu-install_only.tar.gz"


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as running:
        running.files["python.tar.gz"] = PACKED
        running.files[NAME] = PACKED
        yield running


@pytest.fixture
def _listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pbs-installer list the fake archive under the real one's name."""
    version = pbs_installer.PythonVersion("cpython", 3, 11, 7)
    url = f"https://releases.example/20240107/{NAME.replace('+', '%2B')}"
    answer = version, (url, hashlib.sha256(PACKED).hexdigest())
    monkeypatch.setattr(pbs_installer, "get_download_link", lambda *_, **__: answer)


@needs_symbolic_links
def test_an_archive_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "python.tar.gz"
    path.write_bytes(PACKED)
    request = wanted_archive(str(path), PACKED)
    prepared = ArchiveProvider().prepare(request, tools_in(tmp_path))
    assert {entry.path for entry in prepared.entries} == {
        *WANTED,
        "bin/python",
        "bin/python3",
        "lib/libpython3.11.so",
    }
    assert prepared.build == hashlib.sha256(PACKED).hexdigest()[:12]
    path.unlink()
    assert ArchiveProvider().prepare(request, tools_in(tmp_path)) == prepared


def test_a_file_url_and_a_path_give_the_same_tree(tmp_path: Path) -> None:
    path = tmp_path / "my python.tar.gz"
    path.write_bytes(PACKED)
    one = ArchiveProvider().prepare(wanted_archive(path.as_uri(), PACKED), tools_in(tmp_path / "1"))
    two = ArchiveProvider().prepare(wanted_archive(str(path), PACKED), tools_in(tmp_path / "2"))
    assert tree_digest(one.entries) == tree_digest(two.entries)


def test_an_archive_from_a_server_is_downloaded_once(mirror: Mirror, tmp_path: Path) -> None:
    request = wanted_archive(f"{mirror.url}/python.tar.gz", PACKED)
    seen: list[tuple[str, int, int | None]] = []
    tools = replace(tools_in(tmp_path), progress=lambda *step: seen.append(step))
    prepared = ArchiveProvider().prepare(request, tools)
    (prepared.tree.parent / "prepared.json").unlink()
    ArchiveProvider().prepare(request, tools)
    assert mirror.asked == ["/files/python.tar.gz"]
    assert seen[-1] == ("downloading python.tar.gz", len(PACKED), len(PACKED))


def test_a_damaged_download_in_the_cache_is_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    request = wanted_archive(f"{mirror.url}/python.tar.gz", PACKED)
    tools = tools_in(tmp_path)
    prepared = ArchiveProvider().prepare(request, tools)
    cached = tools.cache / "downloads" / hashlib.sha256(PACKED).hexdigest()
    cached.write_bytes(PACKED[:-1] + b"?")
    (prepared.tree.parent / "prepared.json").unlink()
    assert ArchiveProvider().prepare(request, tools) == prepared
    assert len(mirror.asked) == 2


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("{folder}/missing.tar.gz", "does not exist"),
        ("{folder}/other.tar.gz", "is not the file that was expected"),
        ("ftp://example.com/x.tar.gz", "unknown scheme 'ftp'"),
    ],
)
def test_archives_that_cannot_serve(url: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "other.tar.gz").write_bytes(b"other")
    with pytest.raises(RuntimeUnavailableError, match=says):
        ArchiveProvider().prepare(wanted_archive(url.format(folder=tmp_path), PACKED), tools_in(tmp_path))


def test_no_archive_for_the_platform(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match="no archive is named") as caught:
        ArchiveProvider().prepare(wanted_python(), tools_in(tmp_path))
    assert caught.value.hint is not None
    assert 'runtime-archives."cpython@3.11.7"' in caught.value.hint


def test_an_archive_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "python.tar.gz"
    path.write_bytes(PACKED)
    with pytest.raises(RuntimeUnavailableError, match=r"is version 3\.11\.7"):
        ArchiveProvider().prepare(wanted_archive(str(path), PACKED, version="3.11.9"), tools_in(tmp_path))
    assert [*(tmp_path / "cache/runtimes/unfinished").iterdir()] == []


@needs_symbolic_links
@pytest.mark.usefixtures("_listed")
def test_standalone_takes_the_mirror_from_the_environment(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    prepared = StandaloneProvider().prepare(wanted_python(), tools_in(tmp_path, {MIRROR_VARIABLE: mirror.url}))
    assert (prepared.provider, prepared.build) == ("standalone", "20240107")
    assert mirror.asked == [f"/files/{NAME}"]
    assert "authorization" not in {name.lower() for name in mirror.headers[0]}
    assert (prepared.tree / "bin/python3").readlink() == Path("python3.11")


def test_a_mirror_that_serves_another_file(mirror: Mirror, tmp_path: Path) -> None:
    tools = tools_in(tmp_path, {MIRROR_VARIABLE: mirror.url})
    with pytest.raises(RuntimeUnavailableError, match="is not the file that was expected") as caught:
        StandaloneProvider().prepare(wanted_python(), tools)
    assert caught.value.hint == "a mirror must serve the same files as the original; the downloaded file was removed"
    assert [*(tools.cache / "downloads").iterdir()] == []


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (404, "check the URL"),
        (403, "check the URL, and the login or token for it, which no redirect takes to another host"),
        (503, "the server has trouble; try again later"),
    ],
)
@pytest.mark.usefixtures("_listed")
def test_http_failures(status: int, hint: str, mirror: Mirror, tmp_path: Path) -> None:
    mirror.status = status
    with pytest.raises(RuntimeUnavailableError, match=f"answered with HTTP status {status}") as caught:
        StandaloneProvider().prepare(wanted_python(), tools_in(tmp_path, {MIRROR_VARIABLE: mirror.url}))
    assert caught.value.hint == hint


@pytest.mark.usefixtures("_listed")
def test_a_download_that_breaks_off(mirror: Mirror, tmp_path: Path) -> None:
    mirror.cut = True
    tools = tools_in(tmp_path, {MIRROR_VARIABLE: mirror.url})
    with pytest.raises(RuntimeUnavailableError, match="broke off"):
        StandaloneProvider().prepare(wanted_python(), tools)
    assert [*(tools.cache / "downloads").iterdir()] == []


@pytest.mark.usefixtures("_listed")
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://me:secret@127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RuntimeUnavailableError, match=r"cannot be reached: .*refused") as caught:
            StandaloneProvider().prepare(wanted_python(), tools_in(tmp_path, {MIRROR_VARIABLE: url}))
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("_listed")
def test_a_host_name_that_cannot_be_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(RuntimeUnavailableError, match=r"the host name releases\.example could not be resolved"):
        StandaloneProvider().prepare(wanted_python(), tools_in(tmp_path))


@pytest.mark.parametrize("url", ["mirror.example/pbs", "ftp://mirror.example", "http://[", "http://x:port"])
@pytest.mark.usefixtures("_listed")
def test_a_mirror_that_is_no_url(url: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match="cannot be reached"):
        StandaloneProvider().prepare(wanted_python(), tools_in(tmp_path, {MIRROR_VARIABLE: url}))
