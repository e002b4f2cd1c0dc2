"""Provider `standalone` with a complete, real Python, in python-build-standalone's shape, from a mirror on loopback."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pbs_installer
import pytest

from tests.support.packed_pythons import serving, tools_in
from venvstacks.digests import tree_digest
from venvstacks.runtimes.installed_pythons import Installation
from venvstacks.runtimes.provider_request import PreparedRuntime, RuntimeRequest
from venvstacks.runtimes.providers import prepare_runtime
from venvstacks.runtimes.self_check import check_runtime
from venvstacks.runtimes.standalone_provider import MIRROR_VARIABLE


def pack_like_upstream(tree: Path, short: str) -> bytes:
    """`tree` below `python/`, with a few things that upstream ships and a runtime does not hold."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        archive.add(tree, "python")
        for name in (f"lib/python{short}/site-packages/pip/__init__.py", f"bin/pip{short}", f"bin/idle{short}"):
            member = tarfile.TarInfo(f"python/{name}")
            member.mode = 0o755
            archive.addfile(member)
    return stream.getvalue()


def test_a_complete_python_from_a_mirror(
    relocated: PreparedRuntime,
    wanted: RuntimeRequest,
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packed = pack_like_upstream(relocated.tree, wanted.python.short_version)
    name = f"cpython-{wanted.python.version}+20240107-x86_64-unknown-linux-gnu-install_only.tar.gz"
    version = pbs_installer.PythonVersion("cpython", *map(int, wanted.python.version.split(".")))
    answer = version, (f"https://releases.example/{name}", hashlib.sha256(packed).hexdigest())
    monkeypatch.setattr(pbs_installer, "get_download_link", lambda *_, **__: answer)
    with serving() as mirror:
        mirror.files[name] = packed
        tools = tools_in(tmp_path, {MIRROR_VARIABLE: mirror.url})
        prepared = prepare_runtime(("archive", "standalone"), wanted, tools)
        again = prepare_runtime(("standalone",), wanted, tools)
        assert len(mirror.asked) == 1
    assert again == prepared
    assert (prepared.provider, prepared.build) == ("standalone", "20240107")
    assert tree_digest(prepared.entries) == tree_digest(relocated.entries)
    check_runtime(prepared.tree, f"bin/{installation.executable.name}", installation.version, tools)
