"""Sources that are refused: what is reported, and that the installed application is not changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile_archives import zstd
from tests.support.published_layers import SITE, application, framework, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.errors import DeployError, UsageError

Break = Callable[[Path], None]
POND = "framework-pond.tar.zst"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refusing")
    publish(folder / "a", [runtime(), application("frog")])
    deployment.deploy(str(folder / "a"), folder / "d")
    return folder / "d"


def edit_pond(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the framework's entry in the manifest."""
    place = folder / "__venvstacks__/venvstacks.json"
    manifest = json.loads(place.read_text())
    change(manifest["layers"]["frameworks"][0])
    place.write_text(json.dumps(manifest))


def replace_archive(folder: Path, data: bytes) -> None:
    """Another archive, and a manifest that agrees with it."""
    (folder / POND).write_bytes(data)
    new = {"archive_size": len(data), "archive_hashes": {"sha256": sha256(data).hexdigest()}}
    edit_pond(folder, lambda entry: entry.update(new))


def replace_list(folder: Path, data: bytes) -> None:
    """Another per-file manifest, and a manifest that agrees with it."""
    (folder / f"{POND}.files.json.gz").write_bytes(data)
    listed = {"name": f"{POND}.files.json.gz", "size": len(data), "sha256": sha256(data).hexdigest()}
    edit_pond(folder, lambda entry: entry["venvstacks"].update(file_manifest=listed))


def list_of(name: str) -> Break:
    """Take the list of another layer."""
    return lambda folder: replace_list(folder, (folder / f"{name}.tar.zst.files.json.gz").read_bytes())


def drop(key: str) -> Break:
    return lambda folder: edit_pond(folder, lambda entry: entry.pop(key, None) or entry["venvstacks"].pop(key))


CASES: list[tuple[str, Break, str]] = [
    ("archive of another layer", lambda folder: replace_archive(folder, (folder / "py.tar.zst").read_bytes()),
     r"framework-pond\.tar\.zst is refused: 'py' is not below the top folder"),
    ("damaged archive", lambda folder: replace_archive(folder, zstd(b"frog" * 999)), "is refused: .*PAX dialect"),
    ("other bytes", lambda folder: (folder / POND).write_bytes((folder / POND).read_bytes()[:-1] + b"?"),
     "is not the file that the manifest lists: its SHA-256 is"),
    ("other size", lambda folder: (folder / POND).write_bytes(b""), "lists: it has 0 bytes, not"),
    ("archive missing", lambda folder: (folder / POND).unlink(), "is missing, although the manifest lists it"),
    ("list of another layer", list_of("py"), "is refused: it is about 'py'"),
    ("list that is none", lambda folder: replace_list(folder, b"frog"), "is refused: it is not compressed"),
    ("list missing", lambda folder: (folder / f"{POND}.files.json.gz").unlink(), "is missing, although"),
    ("published without a list", drop("file_manifest"), "without the digests that deploying needs"),
    ("published without a digest", drop("archive_hashes"), "without the digests that deploying needs"),
    ("published by another program", drop("venvstacks"), r"is not a manifest: .*this key is required"),
    ("for another platform", lambda folder: edit_pond(folder, lambda entry: entry.update(target_platform="win_arm64")),
     "it is for win_arm64, and this machine is"),
    ("layer below missing", lambda folder: edit_pond(folder, lambda entry: entry.update(runtime_layer="toad")),
     "its runtime 'toad' is missing"),
    ("no JSON", lambda folder: (folder / "__venvstacks__/venvstacks.json").write_text("frog"), "is not a manifest"),
    ("no manifest", lambda folder: (folder / "__venvstacks__/venvstacks.json").unlink(), "nothing is published for"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_refused(spoil: Break, says: str, installed: Path, tmp_path: Path, start: Callable[..., str]) -> None:
    publish(tmp_path, [runtime(), framework("pond"), application("frog", uses=("pond",), text="new")])
    spoil(tmp_path)
    stored = sorted(place.name for place in (installed / "store").iterdir())
    with pytest.raises(DeployError, match=says) as caught:
        deployment.deploy(str(tmp_path), installed)
    assert caught.value.exit_code == 6
    assert sorted(place.name for place in (installed / "store").iterdir()) == stored
    assert deployment.status(installed, verify=True).differences == ()
    assert deployment.status(installed).generation.number == 1
    assert start(installed, "frog") == "1 1"


def test_a_post_install_that_fails(installed: Path, tmp_path: Path, start: Callable[..., str]) -> None:
    broken = runtime("py", text="broken")
    script = b"#!/bin/sh\necho 'no such library' >&2\nexit 127\n"
    publish(tmp_path, [replace(broken, files={**broken.files, "bin/python3.11": script}), application("frog")])
    with pytest.raises(DeployError, match=r"layer '(py|app-frog)': post-install failed") as caught:  # it runs both
        deployment.deploy(str(tmp_path), installed)
    assert "no such library" in caught.value.details
    assert start(installed, "frog") == "1 1"
    deployment.collect(installed)
    assert len([*(installed / "store").iterdir()]) == 2


def test_links_into_a_layer_that_is_not_below(tmp_path: Path) -> None:
    pond = framework("pond")
    reaching = replace(pond, links={**pond.links, f"{SITE}/x": "../../../../framework-reeds/x"})
    publish(tmp_path / "a", [runtime(), reaching, framework("reeds"), application("frog", uses=("pond",))])
    with pytest.raises(DeployError, match=r"leads out of its layer, to '\.\./framework-reeds/x'"):
        deployment.deploy(str(tmp_path / "a"), tmp_path / "d")


def test_a_machine_that_nothing_is_published_for(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(UsageError, match="cannot be published for this machine"):
        deployment.deploy(str(first), tmp_path)


@pytest.mark.parametrize("below", ["", "/below"])
def test_a_file_where_the_deployment_should_be(below: str, first: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("frog")
    with pytest.raises(DeployError, match=r"file.* cannot be written: ") as caught:
        deployment.deploy(str(first), f"{tmp_path}/file{below}")
    assert caught.value.hint == "name a folder: a file is in the way"
    assert (tmp_path / "file").read_text() == "frog"
