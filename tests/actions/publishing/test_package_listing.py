"""The list of packages of a layer, from a handmade environment and lock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.locked_layers import runtime, wheel
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.publishing.package_listing import list_packages, package_url
from venvstacks.actions.publishing.publish import ArchiveOptions, archive_layer
from venvstacks.actions.toolset import Tools
from venvstacks.digests import scan_tree
from venvstacks.errors import PublishError
from venvstacks.locking.locks import LayerLock, LockedPackage, Wheel
from venvstacks.locking.pylock_text import format_lock
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.records.package_lists import PackageList
from venvstacks.records.published_metadata import LayerMetadata, read_metadata
from venvstacks.records.tree_records import BuildRecord, LinkRecord, RuntimeRecord
from venvstacks.tools.files import write_atomically

LAYOUT = StackLayout()
LINUX = PLATFORMS["linux_x86_64"]
SITE = "lib/python3.11/site-packages"
FROG = f"{SITE}/Frog_Legs-2.0.dist-info"
SBOM = {
    "bomFormat": "CycloneDX",
    "components": [
        {"name": "zlib", "version": "1.3", "purl": "pkg:rpm/zlib@1.3", "bom-ref": "file:///build/zlib"},
        {
            "name": "cffi",
            "purl": "pkg:cargo/cffi@1?download_url=file:///build",
            "licenses": [{"license": {"id": "MIT"}}],
        },
        {"version": "no name"},
        {"name": "frog_legs", "version": "2.0", "purl": "pkg:pypi/frog-legs@2.0"},
    ],
}
METADATA = """\
Metadata-Version: 2.4
Name: Frog_Legs
Version: 2.0
License-Expression: MIT
License-File: LICENSE.txt
Author-email: frog@example.org
Project-URL: Homepage, https://example.org
Requires-Dist: pond>=1; python_version > "3"
Requires-Dist: newt @ https://user:secret@example.org/newt.whl
Classifier: License :: OSI Approved :: MIT License
Classifier: Topic :: Water
"""
FILES = {
    f"{FROG}/METADATA": METADATA,
    f"{FROG}/RECORD": (
        "Frog_Legs-2.0.dist-info/METADATA,,\nfrog/__init__.py,,\nfrog/gone.py,,\n../../../bin/hop,,\n"
        "Frog_Legs-2.0.dist-info/licenses/LICENSE.txt,,\nFrog_Legs-2.0.dist-info/sboms/a.cdx.json,,\n"
        "Frog_Legs-2.0.dist-info/sboms/broken.json,,\n"
    ),
    f"{FROG}/licenses/LICENSE.txt": "free",
    f"{FROG}/sboms/a.cdx.json": json.dumps(SBOM),
    f"{FROG}/sboms/broken.json": "{",
    f"{SITE}/frog/__init__.py": "",
    f"{SITE}/frog/_vendor/pip-1.0.dist-info/METADATA": "Name: pip\nVersion: 1.0\n",
    "bin/hop": "",
    "lib/other.txt": "",
}


def put(
    base: Path, files: Mapping[str, str] = FILES, *, requirements: tuple[str, ...] = ("frog-legs",)
) -> PublishedLayer:
    """A layer that looks built and linked."""
    layer = runtime("py", requirements)
    environment = base / LAYOUT.environment(layer)
    for path, content in files.items():
        write_atomically(environment / path, content)
    record = LinkRecord.of(BuildRecord(env_name="py", entries=()), "py", scan_tree(environment))
    write_atomically(base / LAYOUT.record("link", layer), record.text())
    source = RuntimeRecord(python="cpython@3.11.7", provider="host", build="x", digest="d")
    write_atomically(base / LAYOUT.record("runtime", layer), source.text())
    hashes = dict.fromkeys(
        ("requirements_hash", "lock_input_hash", "other_inputs_hash", "version_inputs_hash"), f"sha256:{'a' * 64}"
    )
    facts = {**hashes, "lock_version": 1, "locked_at": "2025-10-20T12:00:00+00:00"}
    write_atomically(base / LAYOUT.lock_metadata(layer), json.dumps(facts))
    return PublishedLayer(layer, LINUX, LAYOUT, base, {"venvstacks": "1"})


def write_lock(published: PublishedLayer, package: LockedPackage) -> None:
    text = format_lock(LayerLock("==3.11.*", (LINUX.name,), (package,)))
    write_atomically(published.base / LAYOUT.lock_file(published.layer), text)


def test_a_package_is_listed_with_all_that_its_metadata_says(tmp_path: Path) -> None:
    published = put(tmp_path)
    write_lock(published, LockedPackage("frog-legs", "2.0", (LINUX.name,), (wheel("frog_legs", "2.0"),)))
    found = list_packages(published)
    assert found.declared == ("frog-legs",)
    (frog,) = found.packages
    assert (str(frog), frog.purl) == ("frog-legs 2.0", "pkg:pypi/frog-legs@2.0")
    assert frog.requires == ('pond>=1; python_version > "3"', "newt")
    assert frog.licence.model_dump() == {
        "expression": "MIT", "text": None, "classifiers": ("License :: OSI Approved :: MIT License",),
        "files": (f"{FROG}/licenses/LICENSE.txt",),
    }  # fmt: skip
    assert (frog.author, frog.homepage) == ("frog@example.org", "https://example.org")
    assert frog.wheel
    assert (frog.wheel.file, frog.wheel.sha256) == ("frog_legs-2.0-py3-none-any.whl", "0" * 64)
    assert frog.wheel.url == "https://index.invalid/frog_legs-2.0-py3-none-any.whl"
    assert set(frog.files) == FILES.keys() - {f"{FROG}/RECORD", "lib/other.txt", *(p for p in FILES if "_vendor" in p)}
    assert [(part.name, part.purl, part.licence) for part in frog.bundled] == [
        ("cffi", "pkg:cargo/cffi@1", "MIT"),
        ("zlib", "pkg:rpm/zlib@1.3", None),
    ]


def test_a_local_wheel_is_not_taken_for_a_package_of_an_index(tmp_path: Path) -> None:
    published = put(tmp_path)
    local = Wheel("../../wheels/frog_legs-2.0-py3-none-any.whl", (("sha256", "1" * 64),), is_path=True)
    write_lock(published, LockedPackage("frog-legs", "2.0", (LINUX.name,), (local,)))
    (frog,) = list_packages(published).packages
    assert frog.purl == "pkg:generic/frog-legs@2.0"
    assert frog.wheel
    assert frog.wheel.url is None


def test_without_a_lock_no_wheel_is_known(tmp_path: Path) -> None:
    (frog,) = list_packages(put(tmp_path)).packages
    assert frog.wheel is None


def test_versions_are_escaped_in_package_urls() -> None:
    assert package_url("torch", "2.8.0+cu128") == "pkg:pypi/torch@2.8.0%2Bcu128"


def archive(published: PublishedLayer) -> tuple[object, LayerMetadata]:
    tools = Tools(environment={}, cache=published.base / "cache")
    done = archive_layer(published, ArchiveOptions("tar.gz"), tools)
    metadata = read_metadata(published.base / LAYOUT.published_metadata("_artifacts", published.layer, None))
    assert metadata
    return done["written"], metadata


def test_the_list_is_published_and_a_changed_one_gets_a_new_name(tmp_path: Path) -> None:
    written, first = archive(put(tmp_path))
    listed = first.product.package_list
    assert written
    assert listed
    assert PackageList.unpack((tmp_path / "_artifacts" / listed.name).read_bytes()) == list_packages(put(tmp_path))
    assert archive(put(tmp_path)) == (False, first), "nothing has changed"
    _, second = archive(put(tmp_path, requirements=("frog-legs>=1",)))
    changed = second.product.package_list
    assert changed
    assert changed.name != listed.name
    assert (second.archive_name, second.archive_build) == (first.archive_name, 1), "the archive is the same"
    assert (tmp_path / "_artifacts" / listed.name).is_file(), "readers of the earlier manifest may want it"


def test_metadata_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    published = put(tmp_path)
    (tmp_path / LAYOUT.environment(published.layer) / f"{FROG}/METADATA").unlink()
    with pytest.raises(PublishError, match="cannot be read"):
        list_packages(published)
