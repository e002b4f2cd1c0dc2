"""git repositories as sources: revisions, checkouts, submodules, logins, and history that was rewritten."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.loopback_server import serving
from tests.support.own_projects import commit, git
from venvstacks.errors import LockError
from venvstacks.tools.git import Repository
from venvstacks.tools.process import Processes


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A repository with two commits, a tag at the first, and a branch `side`."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    (folder / "file").write_text("first", "utf-8")
    commit(folder, "first")
    git(folder, "tag", "-a", "v1", "-m", "one")
    git(folder, "branch", "side")
    (folder / "file").write_text("second", "utf-8")
    commit(folder, "second")
    return folder


def repository(tmp_path: Path, url: str | Path) -> Repository:
    address = url.as_uri() if isinstance(url, Path) else url
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}
    return Repository(address, tmp_path / "cache", Processes(), environment, tmp_path / "log")


def test_what_revisions_name(upstream: Path, tmp_path: Path) -> None:
    first, second = git(upstream, "rev-parse", "HEAD~1"), git(upstream, "rev-parse", "HEAD")
    found = repository(tmp_path, upstream)
    assert found.commit_of(None, None) == second
    assert found.commit_of("tag", "v1") == first
    assert found.commit_of("branch", "side") == first
    assert found.commit_of("rev", second[:7]) == second
    assert found.commit_of("rev", "v1") == first
    for kind, name in [("tag", "side"), ("branch", "v1"), ("rev", "abcdef0"), ("rev", "nothing")]:
        with pytest.raises(LockError, match=f"has no {kind} '{name}'"):
            found.commit_of(kind, name)


def test_a_checkout_is_the_commit_alone(upstream: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.gitconfig").write_text("[core]\nautocrlf = true\n", "utf-8")
    (upstream / "lines").write_bytes(b"one\ntwo\n")
    (upstream / "run").write_text("", "utf-8")
    (upstream / "run").chmod(0o755)
    third = commit(upstream)
    found = repository(tmp_path, upstream)
    found.check_out(third, tmp_path / "tree")
    assert (tmp_path / "tree/lines").read_bytes() == b"one\ntwo\n"
    assert os.access(tmp_path / "tree/run", os.X_OK)
    assert git(tmp_path / "tree", "status", "--porcelain") == ""
    assert git(tmp_path / "tree", "describe", "--always") != ""


def test_submodules_come_along(upstream: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "deep").write_text("deep", "utf-8")
    commit(inner)
    git(upstream, "submodule", "--quiet", "add", "../inner", "part")
    found = repository(tmp_path, upstream)
    found.check_out(commit(upstream), tmp_path / "tree")
    assert (tmp_path / "tree/part/deep").read_text("utf-8") == "deep"


def test_a_branch_that_was_rewritten(upstream: Path, tmp_path: Path) -> None:
    old = git(upstream, "rev-parse", "HEAD")
    found = repository(tmp_path, upstream)
    assert found.commit_of("branch", "main") == old
    (upstream / "file").write_text("instead", "utf-8")
    git(upstream, "commit", "--quiet", "--all", "--amend", "--message", "instead")
    git(upstream, "reflog", "expire", "--expire=now", "--all")
    git(upstream, "gc", "--quiet", "--prune=now")
    assert found.commit_of("branch", "main") != old
    found.check_out(old, tmp_path / "kept")  # the cache has it
    assert (tmp_path / "kept/file").read_text("utf-8") == "second"
    elsewhere = repository(tmp_path / "other", upstream)
    with pytest.raises(LockError, match=f"commit {old[:12]}, which is locked, is not in") as caught:
        elsewhere.check_out(old, tmp_path / "gone")
    assert "--upgrade-package" in str(caught.value.hint)


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="git cannot read") as caught:
        repository(tmp_path, tmp_path / "nowhere").commit_of(None, None)
    assert "nowhere" in str(caught.value)


@contextmanager
def served(folder: Path, login: str = "") -> Iterator[str]:
    """A repository over plain files of http, perhaps for those alone who know a login."""
    git(folder, "update-server-info")

    def answer(request: BaseHTTPRequestHandler) -> None:
        place = folder / ".git" / unquote(request.path).partition("?")[0].removeprefix("/repo/")
        wanted = f"Basic {base64.b64encode(login.encode()).decode()}"
        status = 200 if place.is_file() else 404
        if login and request.headers.get("Authorization") != wanted:
            status = 401
        body = place.read_bytes() if status == 200 else b""
        request.send_response(status)
        if status == 401:
            request.send_header("WWW-Authenticate", 'Basic realm="x"')
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    with serving(answer) as url:
        yield f"{url}/repo"


def test_http_with_a_login_that_nobody_sees(upstream: Path, tmp_path: Path) -> None:
    with served(upstream, "me:s3cret") as url:
        address = url.replace("http://", "http://me:s3cret@")
        found = repository(tmp_path, address)
        second = found.commit_of("branch", "main")
        assert second == git(upstream, "rev-parse", "HEAD")
        found.check_out(second, tmp_path / "tree")
        with pytest.raises(LockError, match="git cannot read") as caught:
            repository(tmp_path / "other", address.replace("s3cret", "wr0ng")).commit_of(None, None)
    written = [place for place in tmp_path.rglob("*") if place.is_file() and place.parent.name != "upstream"]
    for place in written:
        assert not re.search(rb"s3cret|wr0ng", place.read_bytes()), place
    assert "wr0ng" not in f"{caught.value}{found!r}"
    assert (tmp_path / "log").read_text("utf-8").count("fetch") >= 1
