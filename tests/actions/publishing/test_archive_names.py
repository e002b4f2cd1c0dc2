"""A published file name never gets other bytes; numbers go on from what was published before, by the original too."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support.capabilities import needs_symbolic_links
from venvstacks.actions.publishing.archive_names import ArchiveNames, Finished, choose_names
from venvstacks.records.earlier_publications import EarlierPublication, read_earlier
from venvstacks.records.published_json import format_of_the_original


def finished(content: str, target: str = "app-frog", packing: str = "tar.xz") -> Finished:
    data = content.encode()
    return Finished(target, packing, len(data), sha256(data).hexdigest(), f"list of {content}".encode())


def publish(folder: Path, content: str, tag: str | None = None, packing: str = "tar.xz") -> ArchiveNames:
    """Name an archive, put it and its list into the folder, and write metadata like the original's."""
    place = folder / "metadata.json"
    one = finished(content, packing=packing)
    names = choose_names(one, folder, read_earlier(place), tag)
    (folder / names.archive).write_bytes(content.encode())
    (folder / names.files).write_bytes(one.files)
    place.write_text(
        json.dumps(
            {
                "install_target": one.target,
                "archive_name": names.archive,
                "archive_build": names.build,
                "archive_hashes": {"sha256": one.sha256},
            }
        )
    )
    return names


def digits(content: str) -> str:
    return sha256(content.encode()).hexdigest()[:12]


def test_the_first_archive_has_the_name_that_the_original_gives_it(tmp_path: Path) -> None:
    assert publish(tmp_path, "one") == ArchiveNames(1, "app-frog.tar.xz", "app-frog.files.json.gz")


def test_later_archives_have_names_of_their_own(tmp_path: Path) -> None:
    published = {publish(tmp_path, content).archive: content for content in ("one", "two", "one", "three", "two")}
    assert {name: (tmp_path / name).read_text() for name in published} == published
    assert sorted(published) == sorted(
        ["app-frog.tar.xz", *(f"app-frog-{digits(content)}.tar.xz" for content in ("one", "two", "three"))]
    )


def test_the_same_bytes_keep_name_and_number(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    assert publish(tmp_path, "two") == publish(tmp_path, "two")
    assert publish(tmp_path, "two").build == 2


def test_lists_do_not_look_like_archives(tmp_path: Path) -> None:
    for tag in (None, "linux_x86_64"):
        publish(tmp_path, "one", tag)
        publish(tmp_path, "two", tag)
    assert all(not path.name.endswith(".gz") for path in tmp_path.glob("*.tar*"))
    assert len(list(tmp_path.glob("*.files.json.gz"))) == 4


def test_tagged_numbers_go_on(tmp_path: Path) -> None:
    names = [publish(tmp_path, content, "linux_x86_64") for content in ("one", "two", "two", "one")]
    assert [one.archive for one in names] == [f"app-frog-linux_x86_64-{number}.tar.xz" for number in (1, 2, 2, 3)]


def test_tagged_files_without_metadata_are_not_replaced(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"app-frog-linux_x86_64-{number}.tar.xz").write_text(f"of the original {number}")
    assert publish(tmp_path, "one", "linux_x86_64").archive == "app-frog-linux_x86_64-3.tar.xz"
    assert (tmp_path / "app-frog-linux_x86_64-1.tar.xz").read_text() == "of the original 1"


def test_a_list_in_the_way_counts_as_well(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    (tmp_path / "metadata.json").unlink()
    assert publish(tmp_path, "two", packing="zip").archive == f"app-frog-{digits('two')}.zip"
    assert (tmp_path / "app-frog.files.json.gz").read_bytes() == b"list of one"


def test_after_a_kill_the_same_archive_takes_its_name_again(tmp_path: Path) -> None:
    """Killed between archive and metadata: the file is there and nothing tells of it."""
    (tmp_path / "app-frog-linux_x86_64-1.tar.xz").write_text("one")
    assert publish(tmp_path, "one", "linux_x86_64").build == 1


def test_a_damaged_archive_is_replaced_under_its_name(tmp_path: Path) -> None:
    publish(tmp_path, "one")
    (tmp_path / "app-frog.tar.xz").write_text("on")
    assert publish(tmp_path, "one").archive == "app-frog.tar.xz"


def test_archives_that_were_moved_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / publish(tmp_path, "one").archive).unlink()
    assert publish(tmp_path, "two").archive == f"app-frog-{digits('two')}.tar.xz"


@needs_symbolic_links
def test_the_name_of_a_broken_link_counts_as_published(tmp_path: Path) -> None:
    """Tools that keep large files in another place leave such links."""
    (tmp_path / "app-frog.tar.xz").symlink_to("objects/12/34")
    (tmp_path / "app-frog-linux_x86_64-1.tar.xz").symlink_to("objects/56/78")
    assert publish(tmp_path, "one").archive == f"app-frog-{digits('one')}.tar.xz"
    (tmp_path / "metadata.json").unlink()
    assert publish(tmp_path, "one", "linux_x86_64").build == 2
    assert (tmp_path / "app-frog.tar.xz").is_symlink()


def test_a_new_deployed_name_begins_again() -> None:
    earlier = EarlierPublication(install_target="app-frog@1", archive_name="app-frog@1.tar.xz", archive_build=4)
    names = choose_names(finished("one", "app-frog@2"), Path("nowhere"), earlier, None)
    assert names == ArchiveNames(1, "app-frog@2.tar.xz", "app-frog@2.files.json.gz")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"archive_name": "py.tar.xz"}, "tar.xz"),
        ({"archive_name": "py.zip"}, "zip"),
        ({"archive_name": "py.rar"}, None),
        ({"archive_name": "py.tar.xz", "venvstacks": {}}, None),
        ({"archive_name": "py.tar.xz", "venvstacks": {"kept_format": True}}, "tar.xz"),
        ({}, None),
        ({"archive_name": 7}, None),
        ("py", None),
    ],
)
def test_the_format_of_the_original(tmp_path: Path, entry: Any, expected: str | None) -> None:
    manifest = tmp_path / "venvstacks.json"
    manifest.write_text(json.dumps({"layers": {"runtimes": [entry], "frameworks": []}}))
    assert format_of_the_original(manifest, ("tar.zst", "tar.xz", "zip")) == expected


@pytest.mark.parametrize("text", ["", "[]", "7", '{"layers": 3}', '{"layers": {"runtimes": 3}}', "[" * 100_000])
def test_what_is_no_manifest_has_no_format(tmp_path: Path, text: str) -> None:
    (tmp_path / "venvstacks.json").write_text(text)
    assert format_of_the_original(tmp_path / "venvstacks.json", ("tar.xz",)) is None
    assert format_of_the_original(tmp_path / "nothing.json", ("tar.xz",)) is None
