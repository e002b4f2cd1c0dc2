"""Licence texts from archives and environments, advisories from files and servers, contents of deployments."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.folder_server import serving_folder
from tests.support.looked_stacks import SITE, package
from tests.support.published_layers import Published, application, framework, publish, runtime
from venvstacks.deployment import DeployOptions, deploy
from venvstacks.errors import DeployError, UnsafeArchiveError, UsageError
from venvstacks.insight.reading.advisory_files import read_advisories
from venvstacks.insight.reading.deployment_contents import is_deployment, read_deployment
from venvstacks.insight.reading.licence_texts import licence_texts
from venvstacks.insight.reading.named_contents import Reading, read_contents
from venvstacks.model.platforms import PLATFORMS
from venvstacks.records.package_lists import LicenceFacts, PackageList

READING = Reading(PLATFORMS["linux_x86_64"], {})
INFO = f"{SITE}/legs-2.0.dist-info"
TEXT = "Do what you want. 🐸\r\n"


def licensed(layer: Published) -> Published:
    place = f"{INFO}/LICENSE"
    legs = package("legs", "2.0", licence=LicenceFacts(expression="MIT", files=(place,)))
    arms = package("arms", "1.0", licence=LicenceFacts(expression="MIT", files=(place,)))
    bare = package("bare", "1.0", licence=LicenceFacts())
    listed = PackageList(install_target=layer.deployed, packages=(arms, bare, legs))
    files = {**layer.files, place: TEXT.encode(), f"{INFO}/METADATA": b"Name: legs\n"}
    return replace(layer, files=files, packages=listed)


@pytest.fixture
def publication(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    publish(folder, [runtime(), licensed(framework("legs")), application("hop", uses=("legs",))])
    return folder


def test_texts_from_archives_are_written_once(publication: Path) -> None:
    with serving_folder(publication) as web:
        for place in (str(publication), web.url):
            text = licence_texts(place, read_contents(place, READING).layers, READING)
            assert text.count("Do what you want. 🐸\n") == 1
            assert "arms 1.0 (MIT)\nlegs 2.0 (MIT)\n" in text
            assert text.endswith(f"bare 1.0 (unknown)\n{'=' * 78}\n")


def test_a_damaged_archive_gives_no_texts(publication: Path) -> None:
    stack = read_contents(str(publication), READING)
    archive = next(publication.glob("framework-legs*.tar.zst"))
    archive.write_bytes(archive.read_bytes()[:-20] + b"x" * 20)
    with pytest.raises((DeployError, UnsafeArchiveError)):
        licence_texts(str(publication), stack.layers, READING)


RECORD = {"id": "PYSEC-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "legs"}, "versions": ["2.0"]}]}


def test_advisories_from_files_folders_archives_and_servers(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(RECORD))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/many.json").write_text(json.dumps([RECORD, RECORD]))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-1.json", json.dumps(RECORD))
        archive.writestr("README.md", "no record")

    def count(place: str) -> int:
        return len(list(read_advisories(place, {})))

    assert count(str(tmp_path / "one.json")) == count(str(tmp_path / "all.zip")) == 1
    assert count(str(tmp_path)) == 3
    with serving_folder(tmp_path) as web:
        assert count(f"{web.url}/all.zip") == 1


@pytest.mark.parametrize("content", [b"{", b"PK nothing", b"[{}]", b"[" * 100_000])
def test_what_holds_no_advisories_is_an_error(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "x.json"
    place.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be used"):
        list(read_advisories(str(place), {}))
    with pytest.raises(UsageError, match="cannot be used"):
        list(read_advisories(str(tmp_path / "missing"), {}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"there is no \.json file"):
        list(read_advisories(str(tmp_path / "empty"), {}))


def test_a_deployment_is_read_from_what_it_keeps(publication: Path, tmp_path: Path) -> None:
    place = tmp_path / "installed"
    deploy(str(publication), place, ["hop"], DeployOptions(environment={}))
    assert is_deployment(str(place))
    assert not is_deployment(str(publication))
    found = read_deployment(place)
    assert [layer.name for layer in found.layers] == ["py", "framework-legs", "app-hop"]
    assert [str(one) for one in found.by_name["framework-legs"].packages] == ["legs 2.0"]
    assert [layer.name for layer in found.application_layers("hop")] == ["app-hop", "framework-legs", "py"]
