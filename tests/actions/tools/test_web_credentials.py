"""Credentials for web servers: who gets them, and who does not."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from tests.support.misbehaving_server import MisbehavingServer, misbehaving
from venvstacks.errors import TransferError
from venvstacks.tools.transfer import Downloads

TOKEN = {"VENVSTACKS_TOKEN_127_0_0_1": "s3cret"}
BASIC = f"Basic {base64.b64encode(b'me:s3cret').decode()}"


def sent(server: MisbehavingServer) -> list[str]:
    """The `Authorization` header of each request; empty where it had none."""
    found = []
    for head in server.heads:
        lines = [line for line in head.splitlines() if line.lower().startswith("authorization:")]
        found.append(lines[0].partition(":")[2].strip() if lines else "")
    return found


def read(url: str, environment: dict[str, str]) -> bytes:
    with Downloads(environment, pauses=()) as downloads:
        return downloads.read(url, 100)


def netrc(folder: Path, text: str) -> dict[str, str]:
    place = folder / "my netrc"
    place.write_text(text, "utf-8")
    place.chmod(0o600)
    return {"NETRC": str(place)}


def test_a_token_goes_to_its_host() -> None:
    with misbehaving(lambda e: e.answer(b"frog")) as server:
        assert read(server.url, TOKEN) == b"frog"
        read(server.url, {"VENVSTACKS_TOKEN_OTHER_EXAMPLE": "s3cret"})
        read(server.url, {"VENVSTACKS_TOKEN_127_0_0_1": " "})
        read(server.url.replace("//", "//me:s3cret@"), TOKEN)
    assert sent(server) == ["Bearer s3cret", "", "", BASIC]


def test_a_token_is_not_sent_where_others_can_read_it() -> None:
    """Another name of loopback stands for a host elsewhere."""
    with misbehaving(lambda e: e.answer(b"frog")) as server:
        read(server.url.replace("127.0.0.1", "127.1"), {"VENVSTACKS_TOKEN_127_1": "s3cret"})
    assert sent(server) == [""]


@pytest.mark.parametrize("kind", ["token", "netrc", "login"])
def test_no_redirect_takes_credentials_to_another_host(kind: str, tmp_path: Path) -> None:
    environment = TOKEN if kind == "token" else {}
    if kind == "netrc":
        environment = netrc(tmp_path, "machine 127.0.0.1 login me password s3cret\n")
    with misbehaving(lambda e: e.answer(b"frog")) as other:
        place = other.url.replace("127.0.0.1", "localhost")
        with misbehaving(lambda e: e.answer(b"", "302 Found", f"Location: {place}/y\n")) as server:
            url = server.url.replace("//", "//me:s3cret@") if kind == "login" else server.url
            assert read(url, environment) == b"frog"
    assert sent(server) == ["Bearer s3cret" if kind == "token" else BASIC]
    assert sent(other) == [""]


def test_netrc_files_name_hosts(tmp_path: Path) -> None:
    with misbehaving(lambda e: e.answer(b"frog")) as server:
        read(server.url, netrc(tmp_path, "machine 127.0.0.1 login me password s3cret\n"))
        read(server.url, netrc(tmp_path, "machine other login me password s3cret\ndefault login me password s3cret\n"))
        home = tmp_path / "home"
        home.mkdir()
        place = home / ("_netrc" if os.name == "nt" else ".netrc")
        place.write_text("machine 127.0.0.1 login me password s3cret\n", "utf-8")
        place.chmod(0o600)
        read(server.url, {"HOME": str(home)})
        read(server.url, {"HOME": str(tmp_path)})
    assert sent(server) == [BASIC, "", BASIC, ""]


@pytest.mark.parametrize("text", ["machine 127.0.0.1 loggin me\n", None])
def test_netrc_files_that_cannot_be_used(text: str | None, tmp_path: Path) -> None:
    environment = netrc(tmp_path, text or "")
    if text is None:
        Path(environment["NETRC"]).unlink()
    with misbehaving(lambda e: e.answer(b"frog")) as server, pytest.raises(TransferError, match="netrc file") as caught:
        read(server.url, environment)
    assert str(tmp_path / "my netrc") in caught.value.message
    assert caught.value.hint
    assert server.heads == []
