"""Sources that claim far more than they hold: `deploy` refuses them within limits that the kernel enforces."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.published_layers import PLATFORM, application, publish, runtime
from venvstacks.digests import sha256_bytes
from venvstacks.model.conventions import METADATA_DIR

PROCESSOR_SECONDS = 20
MEMORY = 1 << 30
LIST = "py.tar.zst.files.json.gz"


def manifest_of(folder: Path) -> Path:
    (path,) = (folder / METADATA_DIR).glob("venvstacks*.json")
    return path


def change(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = manifest_of(folder)
    manifest = json.loads(path.read_text("utf-8"))
    edit(manifest)
    path.write_text(json.dumps(manifest), "utf-8")


def replace_list(folder: Path, packed: bytes) -> None:
    (folder / LIST).write_bytes(packed)

    def edit(manifest: dict[str, Any]) -> None:
        listed = manifest["layers"]["runtimes"][0]["venvstacks"]["file_manifest"]
        listed |= {"size": len(packed), "sha256": sha256_bytes(packed)}

    change(folder, edit)


def claim_a_petabyte(folder: Path) -> None:
    def edit(manifest: dict[str, Any]) -> None:
        manifest["layers"]["runtimes"][0]["venvstacks"]["file_manifest"]["size"] = 1 << 50

    change(folder, edit)


def repeated(piece: bytes, size: int) -> bytes:
    """Gzip data that unpacks to `piece` over and over."""
    return gzip.compress(b'{"format":1,"install_target":"py","files":[' + piece * (size // len(piece)))


def list_of_links(folder: Path) -> None:
    """Each link leads through a chain of others, and each of those through many folders."""
    chain = [{"path": f"c{number}", "target": f"c{number + 1}/{'d/../' * 60}"} for number in range(38)]
    many = [{"path": f"l{number}", "target": "c0/" + "d/../" * 60} for number in range(60_000)]
    rows = json.dumps([*chain, {"path": "c38", "target": "."}, *many]).encode()
    replace_list(folder, gzip.compress(b'{"format":1,"install_target":"py","files":' + rows + b"}"))


def thousands_of_layers(count: int) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        def edit(manifest: dict[str, Any]) -> None:
            frameworks = manifest["layers"]["frameworks"]
            template = json.dumps(manifest["layers"]["applications"][0])
            for number in range(count):
                entry = json.loads(template)
                entry |= {"layer_name": f"framework-{number}", "install_target": f"framework-{number}"}
                entry["required_layers"] = [f"framework-{below}" for below in range(max(0, number - 90), number)]
                entry["venvstacks"]["kind"] = "framework"
                frameworks.append(entry)

        change(folder, edit)

    return spoil


def huge_manifest(folder: Path) -> None:
    with manifest_of(folder).open("r+b") as stream:
        stream.truncate(1 << 40)  # a sparse file


CASES: list[tuple[str, Callable[[Path], None], str]] = [
    ("a manifest of a terabyte", huge_manifest, "has more than 33554432 bytes"),
    ("a manifest of values", lambda f: manifest_of(f).write_bytes(b"[" + b"0," * (12 << 20)), "more than 2000000 val"),
    ("a list of a petabyte", claim_a_petabyte, "has 1125899906842624 bytes, and may have"),
    ("a list that unfolds", lambda f: replace_list(f, repeated(b" ", 1 << 27)), "unpacks to more than"),
    ("a list of values", lambda f: replace_list(f, repeated(b"0,", 60 << 20)), "holds more than"),
    ("a list of links", list_of_links, "lists no file postinstall.py"),
    ("ten thousand layers", thousands_of_layers(9_000), "MiB are needed|values|not valid"),
    ("more layers than any stack", thousands_of_layers(10_001), "more than (10000 layers|2000000 values)|bytes"),
]  # fmt: skip


@pytest.mark.skipif(PLATFORM is None or not PLATFORM.name.startswith("linux"), reason="limits of Linux")
@pytest.mark.parametrize(("spoil", "says"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_source_that_is_too_large_is_refused(spoil: Callable[[Path], None], says: str, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    publish(folder, [runtime(), application("frog")])
    spoil(folder)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))

    argv = [sys.executable, "-m", "venvstacks", "deploy", str(folder), "--to", str(tmp_path / "d")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, preexec_fn=limit, env={**os.environ})
    assert done.returncode == 6, done.stderr[-2000:]
    assert re.search(says, done.stderr), done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 20_000
