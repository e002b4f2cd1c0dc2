"""What earlier manifests name stays for their readers, and is removed once nobody can want it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from venvstacks.actions.publishing.manifests import publish_manifest
from venvstacks.records.published_json import metadata_text

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRY = {
    "requirements_hash": "", "lock_version": 1, "locked_at": "", "python_implementation": "cpython@3.11.7",
    "bound_to_implementation": False, "archive_build": 1, "archive_size": 1, "archive_hashes": {"sha256": ""},
}  # fmt: skip


class Folder:
    """An output folder whose archives hold nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = NOON
        (root / "__venvstacks__/env_metadata").mkdir(parents=True)

    def publish(self, archives: Mapping[str, str], minutes: int = 0, *, tagged: bool = False) -> None:
        """Publish layers (deployed name to the end of the archive's name) some minutes after the last time."""
        self.now += timedelta(minutes=minutes)
        places = [self.archive(target, ending) for target, ending in archives.items()]
        publish_manifest(places, self.root / "__venvstacks__/venvstacks.json", self.now, tagged=tagged)

    def archive(self, target: str, ending: str) -> Path:
        """What an archive task leaves."""
        stem = f"{target}{ending}"
        names = {"archive_name": f"{stem}.tar.zst", "install_target": target, "layer_name": target.partition("@")[0]}
        for name in (f"{stem}.tar.zst", f"{stem}.files.json.gz"):
            (self.root / name).touch()
        product = {
            "kind": "framework", "content_digest": "", "inputs_digest": stem, "file_count": 1, "uncompressed_size": 1,
            "tools": {}, "file_manifest": {"name": f"{stem}.files.json.gz", "size": 1, "sha256": ""},
        }  # fmt: skip
        place = self.root / "__venvstacks__/env_metadata" / f"{names['layer_name']}.json"
        place.write_text(metadata_text({**ENTRY, **names, "venvstacks": product}))
        return place

    def set_times(self, minutes: int) -> None:
        """Say that all files were written that long before now."""
        for path in self.root.glob("*.*"):
            seconds = (self.now + timedelta(minutes=minutes)).timestamp()
            os.utime(path, (seconds, seconds))

    @property
    def archives(self) -> list[str]:
        names = {path.name.removesuffix(".tar.zst") for path in self.root.glob("*.tar.zst")}
        assert names == {path.name.removesuffix(".files.json.gz") for path in self.root.glob("*.files.json.gz")}
        return sorted(names)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def ending(number: int) -> str:
    return f"-{number:012x}"


def test_files_of_the_last_hour_stay_however_often_it_is_published(folder: Folder) -> None:
    folder.publish({"frog": ""})
    for number in range(30):
        folder.publish({"frog": ending(number)}, minutes=1)
    assert len(folder.archives) == 31
    folder.publish({"frog": ending(99)}, minutes=200)
    assert folder.archives == sorted(f"frog{ending(number)}" for number in (28, 29, 99))


def test_files_of_the_last_two_manifests_stay_however_old_they_are(folder: Folder) -> None:
    for number in range(5):
        folder.publish({"frog": ending(number)}, minutes=5000)
    assert folder.archives == [f"frog{ending(number)}" for number in (2, 3, 4)]


def test_the_first_name_goes_like_others(folder: Folder) -> None:
    folder.publish({"frog": "", "newt": ""})
    for number in range(3):
        folder.publish({"frog": ending(number), "newt": ""}, minutes=100)
    assert folder.archives == [*(f"frog{ending(number)}" for number in range(3)), "newt"]


def test_other_deployed_names_and_other_stacks_stay(folder: Folder) -> None:
    folder.publish({"frog@1": "", "toad": ""})
    folder.publish({"frog@2": ""}, minutes=100)  # a versioned layer goes on, and `toad` belongs to another stack now
    for number in range(4):
        folder.publish({"frog@2": ending(number)}, minutes=100)
    assert {"frog@1", "toad"} < set(folder.archives)


def test_what_a_killed_run_left_goes_and_what_its_metadata_names_stays(folder: Folder) -> None:
    folder.publish({"frog": "", "newt": ""})
    folder.archive("frog", ending(1))
    folder.archive("frog", ending(2))  # two runs that ended before the manifest
    folder.archive("newt", ending(3))
    places = [folder.root / "__venvstacks__/env_metadata/frog.json"]
    everything = folder.archives
    folder.set_times(minutes=-30)
    publish_manifest(places, folder.root / "__venvstacks__/venvstacks.json", folder.now)
    assert folder.archives == everything, "another run may be about to name them"
    folder.set_times(minutes=-90)
    publish_manifest(places, folder.root / "__venvstacks__/venvstacks.json", folder.now)
    assert folder.archives == sorted(["frog", f"frog{ending(2)}", "newt", f"newt{ending(3)}"])


def test_a_file_that_cannot_be_removed_keeps_no_other(folder: Folder) -> None:
    folder.publish({"frog": "", "newt": ""})
    (folder.root / "frog.tar.zst").unlink()
    (folder.root / "frog.tar.zst").mkdir()
    for number in range(4):
        folder.publish({"frog": ending(number), "newt": ending(number)}, minutes=100)
    assert not (folder.root / "newt.tar.zst").exists()


def test_files_of_others_stay(folder: Folder) -> None:
    for name in ("frog-notes.tar.zst", "frog.tar.zst.sig", "xfrog.tar.zst", "frog.tar.gz"):
        (folder.root / name).touch()
    before = {path.name for path in folder.root.iterdir()}
    for number in range(4):
        folder.publish({"frog": ending(number)}, minutes=100)
    assert before < {path.name for path in folder.root.iterdir()}


def test_tagged_archives_stay_and_need_no_earlier_manifests(folder: Folder) -> None:
    for number in range(4):
        folder.publish({"frog": f"-linux_x86_64-{number}"}, minutes=100, tagged=True)
    assert len(folder.archives) == 4
    assert not (folder.root / "__venvstacks__/earlier").exists()


def test_an_unchanged_manifest_is_not_kept_twice(folder: Folder) -> None:
    folder.publish({"frog": ""})
    folder.publish({"frog": ""}, minutes=1)
    folder.publish({"frog": ending(1)}, minutes=1)
    (kept,) = (folder.root / "__venvstacks__/earlier").iterdir()
    assert kept.name.startswith("venvstacks.20260301T120200Z-")
    assert json.loads(kept.read_text())["layers"]["frameworks"][0]["archive_name"] == "frog.tar.zst"
