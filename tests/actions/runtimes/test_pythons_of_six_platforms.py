"""Provider `standalone` for each platform from a mirror on loopback, under the names that pbs-installer lists."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pbs_installer
import pytest

from tests.support.abilities import keeps_modes
from tests.support.packed_pythons import serving, tools_in
from tests.support.six_pythons import VERSION, packed_python, program
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.archive_provider import ArchiveProvider
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.program_headers import described_platforms
from venvstacks.runtimes.provider_request import ArchiveSource, RuntimeRequest
from venvstacks.runtimes.standalone_provider import MIRROR_VARIABLE, StandaloneProvider, missing_build

PYTHON = PythonImplementation("cpython", VERSION)
each_platform = pytest.mark.parametrize("platform", PLATFORMS)


def listed_with_sum_of(packed: bytes) -> Callable[..., Any]:
    """pbs-installer's real list, whose entries have the sum of a fake archive."""
    real = pbs_installer.get_download_link

    def look_up(*arguments: Any, **settings: Any) -> Any:
        version, (url, _) = real(*arguments, **settings)
        return version, (url, hashlib.sha256(packed).hexdigest())

    return look_up


@each_platform
def test_a_python_of_each_platform(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = PLATFORMS[platform]
    packed = packed_python(target)
    look_up = listed_with_sum_of(packed)
    words = {"win": "windows", "macosx": "macos", "amd64": "x86_64", "arm64": "aarch64"}
    machine = words.get(target.machine, target.machine)
    url = look_up(VERSION, arch=machine, platform=words.get(target.system, target.system))[1][0]
    monkeypatch.setattr(pbs_installer, "get_download_link", look_up)
    with serving() as mirror:
        name = unquote(url.rpartition("/")[2])
        mirror.files = {name: packed, url.rpartition("/")[2]: packed}
        tools = tools_in(tmp_path, {MIRROR_VARIABLE: mirror.url})
        prepared = StandaloneProvider().prepare(RuntimeRequest(PYTHON, target), tools)
    assert f"{machine}-" in name
    assert {"win": "windows", "linux": "linux", "macosx": "darwin"}[target.system] in name
    found = {entry.path: entry.executable for entry in prepared.entries if not entry.is_link}
    if target.is_windows:
        assert found == dict.fromkeys((
            "Lib/os.py", "Lib/venv/scripts/nt/python.exe", "Lib/venv/scripts/nt/pythonw.exe", "include/patchlevel.h",
            "python.exe", "python312.dll", "pythonw.exe",
        ), False)  # fmt: skip
    else:
        assert found == {
            "bin/python3.12": keeps_modes(), "include/python3.12/patchlevel.h": False, "lib/python3.12/os.py": False
        }  # fmt: skip


@each_platform
def test_a_python_of_another_platform_is_refused(platform: str, tmp_path: Path) -> None:
    target = PLATFORMS[platform]
    other = next(each for each in PLATFORMS.values() if each.system == target.system and each != target)
    archive = tmp_path / "python.tar.gz"
    archive.write_bytes(packed_python(other))
    source = ArchiveSource(str(archive), hashlib.sha256(archive.read_bytes()).hexdigest())
    with pytest.raises(RuntimeUnavailableError, match=f"as {PYTHON} for {platform} is for {other.name}"):
        ArchiveProvider().prepare(RuntimeRequest(PYTHON, target, {platform: source}), tools_in(tmp_path))


def test_what_headers_say(tmp_path: Path) -> None:
    place = tmp_path / "program"
    for name, target in PLATFORMS.items():
        place.write_bytes(program(target))
        assert described_platforms(place) == (name,)
    for content in (b"#!/bin/sh\n", b"", b"\x7fELF", b"MZ", b"MZ" + b"\xff" * 100, b"\xca\xfe\xba\xbe\0\0\0\2"):
        place.write_bytes(content)
        assert described_platforms(place) == ()
    place.write_bytes(b"\x7fELF\2\1\1".ljust(18, b"\0") + b"\xf3\0")
    assert described_platforms(place) == ("linux on another processor",)


def test_windows_on_arm_begins_with_certain_releases() -> None:
    windows = PLATFORMS["win_arm64"]
    missing = missing_build(RuntimeRequest(PythonImplementation("cpython", "3.11.7"), windows))
    assert missing is not None
    assert missing.hint
    assert "cpython@3.11.13" in missing.hint
    assert missing_build(RuntimeRequest(PYTHON, windows)) is None


def test_an_installed_python_serves_its_own_platform_alone(tmp_path: Path) -> None:
    request = RuntimeRequest(PYTHON, PLATFORMS["linux_aarch64"], host=PLATFORMS["linux_x86_64"])
    with pytest.raises(RuntimeUnavailableError, match="serves this machine's platform alone"):
        HostProvider().prepare(request, tools_in(tmp_path))
