from __future__ import annotations

from pathlib import Path

import pbs_installer
import pytest

from tests.support.packed_pythons import tools_in
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.provider_request import RuntimeRequest, SeriesRequest
from venvstacks.runtimes.standalone_provider import StandaloneProvider, find_build


def request_for(text: str, platform: str = "linux_x86_64") -> RuntimeRequest:
    return RuntimeRequest(PythonImplementation.parse(text), PLATFORMS[platform])


@pytest.mark.parametrize(
    ("platform", "middle"),
    [
        ("linux_x86_64", "-x86_64-unknown-linux-gnu-"),
        ("linux_aarch64", "-aarch64-unknown-linux-gnu-"),
        ("macosx_arm64", "-aarch64-apple-darwin-"),
        ("macosx_x86_64", "-x86_64-apple-darwin-"),
        ("win_amd64", "-x86_64-pc-windows-msvc-"),
    ],
)
def test_every_platform_gets_its_own_build(platform: str, middle: str) -> None:
    build = find_build(request_for("cpython@3.11.7", platform), "")
    assert middle in build.url
    assert build.release.isdigit()
    assert len(build.release) == 8
    assert len(build.sha256) == 64


def test_a_mirror_has_the_same_file_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBS_INSTALLER_BASE_URL", "http://of.this.process.example")
    original = find_build(request_for("cpython@3.11.7"), "")
    mirrored = find_build(request_for("cpython@3.11.7"), "http://mirror.example/pbs/")
    folder, _, name = mirrored.url.rpartition("/")
    assert folder == "http://mirror.example/pbs"
    assert name.startswith(f"cpython-3.11.7+{original.release}-x86_64-unknown-linux-gnu")
    assert (mirrored.sha256, mirrored.release) == (original.sha256, original.release)


def test_pypy_is_served_too() -> None:
    build = find_build(request_for("pypy@3.10.16"), "")
    assert "pypy3.10" in build.url
    assert build.release.startswith("v7.")


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [("cpython@3.11.99", "cpython@3.11."), ("cpython@3.99.1", "cpython@3."), ("pypy@3.10.99", "pypy@3.10.")],
)
def test_unknown_versions_name_the_nearest_that_exists(wanted: str, nearest: str) -> None:
    with pytest.raises(RuntimeUnavailableError, match="knows no build") as caught:
        find_build(request_for(wanted), "")
    assert caught.value.hint is not None
    assert f"the nearest that it knows is {nearest}" in caught.value.hint


def test_where_nothing_is_near_another_provider_is_named() -> None:
    with pytest.raises(RuntimeUnavailableError) as caught:
        find_build(request_for("cpython@9.1.0"), "")
    assert caught.value.hint == "name another runtime provider, e.g. 'archive'"


def test_a_build_without_a_known_checksum_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    version = pbs_installer.PythonVersion("cpython", 3, 11, 7)
    url = "https://example.com/cpython-3.11.7%2B20240107-x.tar.gz"
    monkeypatch.setattr(pbs_installer, "get_download_link", lambda *_, **__: (version, (url, None)))
    with pytest.raises(RuntimeUnavailableError, match=r"no checksum of cpython-3\.11\.7\+20240107-x\.tar\.gz"):
        find_build(request_for("cpython@3.11.7"), "")


@pytest.mark.parametrize("name", ["cpython", "pypy"])
def test_the_newest_of_a_series_is_the_newest_that_can_be_fetched(name: str, tmp_path: Path) -> None:
    request = SeriesRequest(PythonImplementation(name, "3.10"), PLATFORMS["linux_x86_64"])
    newest = StandaloneProvider().newest(request, tools_in(tmp_path))
    assert newest is not None
    assert newest.is_of(request.series)
    assert find_build(RuntimeRequest(newest, request.platform), "").sha256
    later = PythonImplementation(name, f"3.10.{newest.release[2] + 1}")
    with pytest.raises(RuntimeUnavailableError):
        find_build(RuntimeRequest(later, request.platform), "")
    nothing = SeriesRequest(PythonImplementation(name, "3.99"), PLATFORMS["linux_x86_64"])
    assert StandaloneProvider().newest(nothing, tools_in(tmp_path)) is None
