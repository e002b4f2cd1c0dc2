"""Contents of publications, in folders and on servers, of locks, and of revisions in git."""

from __future__ import annotations

import gzip
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.folder_server import serving_folder
from tests.support.locked_layers import lock_of, locked
from tests.support.looked_stacks import SITE, package
from tests.support.published_layers import Published, application, framework, publish, runtime
from tests.support.specifications import application as application_table
from tests.support.specifications import runtime as runtime_table
from venvstacks.errors import DeployError, UsageError
from venvstacks.insight.contents import StackContents
from venvstacks.insight.reading.named_contents import Reading, read_contents, read_side
from venvstacks.insight.reading.project_contents import read_project
from venvstacks.loading.options import Options
from venvstacks.loading.project import load_project
from venvstacks.locking.pylock_text import format_lock
from venvstacks.model.platforms import PLATFORMS
from venvstacks.records.package_lists import PackageList

READING = Reading(PLATFORMS["linux_x86_64"], {})


def listed(layer: Published) -> Published:
    """The framework with a package that brings its module."""
    legs = package("legs", files={"legs.py": 0, "legs_data.bin": 0})
    return replace(layer, packages=PackageList(install_target=layer.deployed, declared=("legs",), packages=(legs,)))


def test_a_stack_for_other_platforms_is_looked_at_by_naming_one(tmp_path: Path) -> None:
    place = tmp_path / "venvstacks.toml"
    python = runtime_table(python_implementation="cpython@3.11.7", platforms=["win_arm64", "macosx_x86_64"])
    place.write_text(python + application_table("hop", runtime="py"), "utf-8")
    (tmp_path / "hop.py").touch()
    project = load_project(place, Options())
    with pytest.raises(UsageError, match=r"no layer of .* is for this machine's platform") as caught:
        read_project(project)
    assert caught.value.hint == "choose one of theirs with --platform: macosx_x86_64, win_arm64"
    assert [layer.name for layer in read_project(project.on("win_arm64")).layers] == ["py", "app-hop"]


@pytest.fixture
def publication(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    publish(folder, [runtime(), listed(framework("legs")), application("hop", uses=("legs",))])
    return folder


def check(found: StackContents) -> None:
    assert [layer.name for layer in found.layers] == ["py", "framework-legs", "app-hop"]
    assert found.by_name["framework-legs"].package_sizes["legs"] == len("NAME = '1'\n") + 150_000
    assert [layer.name for layer in found.application_layers("hop")] == ["app-hop", "framework-legs", "py"]
    assert found.by_name["app-hop"].archive
    (note,) = found.notes
    assert note.startswith("py, app-hop: published without a list of packages, so ")


def test_a_publication_in_a_folder_and_on_a_server(publication: Path) -> None:
    check(read_contents(str(publication), READING))
    with serving_folder(publication) as web:
        check(read_contents(web.url, READING))
        assert not any(path.endswith(".tar.zst") for path, _ in web.asked), "no archive is downloaded"


def test_names_of_packages_are_known_without_lists(tmp_path: Path) -> None:
    files = {f"{SITE}/frog_legs-1.0.dist-info/METADATA": b"", f"{SITE}/x/y-1.dist-info/METADATA": b""}
    publish(tmp_path, [replace(runtime(), files={**runtime().files, **files})])
    (layer,) = read_contents(str(tmp_path), READING).layers
    assert [str(each) for each in layer.packages] == ["frog-legs 1.0"]


def test_a_list_that_is_damaged_or_has_a_strange_name_is_an_error(publication: Path) -> None:
    (place,) = publication.glob("*.packages.json.gz")
    before = place.read_bytes()
    place.write_bytes(gzip.compress(b"{}"))
    with pytest.raises(DeployError, match="is not the file that the manifest lists"):
        read_contents(str(publication), READING)
    place.write_bytes(before)
    manifest = publication / "__venvstacks__/venvstacks.json"
    manifest.write_text(manifest.read_text().replace(place.name, f"../{place.name}"))
    with pytest.raises(DeployError, match="is not a list of packages"):
        read_contents(str(publication), READING)


def test_other_platforms_are_read_where_there_is_only_one(tmp_path: Path) -> None:
    foreign = replace(runtime(), changes={"target_platform": "win_amd64"})
    publish(tmp_path, [foreign], tag="win_amd64")
    assert read_contents(str(tmp_path), READING).layers[0].platform == "win_amd64"


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    (tmp_path / "venvstacks.toml").touch()
    for name, lock in (
        ("py", lock_of()),
        ("framework-x", lock_of(locked("frog"), locked("newt", targets=("win_amd64",)))),
    ):
        place = tmp_path / "requirements" / name / f"pylock.{name}.toml"
        place.parent.mkdir(parents=True)
        place.write_text(format_lock(lock))
    return tmp_path


def test_locks_in_a_folder_and_in_a_revision(locks: Path) -> None:
    reading = replace(READING, here=locks)
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(locks))
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "x"), ("tag", "v1")):
        subprocess.run([*git, *arguments], check=True)
    for name in (str(locks / "requirements"), str(locks / "venvstacks.toml"), str(locks), "v1", "HEAD"):
        found = read_side(name, reading, prefer_locks=True)
        assert found.origin == "locks"
        assert {layer.name: [str(each) for each in layer.packages] for layer in found.layers} == {
            "py": [],
            "framework-x": ["frog 1.0"],
        }
    with pytest.raises(UsageError, match="neither a file, a folder nor a URL"):
        read_side("v2", reading, prefer_locks=True)
    with pytest.raises(UsageError, match="neither a file, a folder nor a URL"):
        read_side("--output=x", reading, prefer_locks=True)
    with pytest.raises(UsageError, match=r"no layer of .* is for this machine"):
        read_side(str(locks), reading, prefer_locks=False)
    (locks / "requirements/py/pylock.py.toml").write_text("[")
    with pytest.raises(UsageError, match="the lock of py cannot be read"):
        read_side(str(locks), reading, prefer_locks=True)


def test_what_is_neither_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is neither a publication nor a folder with a specification"):
        read_contents(str(tmp_path), READING)
    manifest = tmp_path / "__venvstacks__/venvstacks.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"layers": {"runtimes": [{}]}}))
    with pytest.raises(DeployError, match="is not a manifest"):
        read_contents(str(tmp_path), READING)
