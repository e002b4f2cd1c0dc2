"""What deploying would refuse is not published: whose it is, and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.capabilities import needs_case, needs_name, needs_symbolic_links
from tests.support.locked_layers import framework, runtime
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.publishing.publish import ArchiveOptions, archive_layer
from venvstacks.actions.toolset import Tools
from venvstacks.digests import scan_tree
from venvstacks.errors import ExitCode, PublishError
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS, TargetPlatform
from venvstacks.records.tree_records import BuildRecord, LinkRecord
from venvstacks.tools.files import write_atomically

LAYOUT = StackLayout()
LINUX = PLATFORMS["linux_x86_64"]
POND = framework("pond", ["pond"], runtime("py"))
SITE = {"linux_x86_64": "lib/python3.11/site-packages", "win_amd64": "Lib/site-packages"}


def archive(
    base: Path, files: Mapping[str, str], links: Mapping[str, str] | None = None, platform: TargetPlatform = LINUX
) -> None:
    """Publish a layer that holds these files and links; paths are relative to its site-packages."""
    environment = base / LAYOUT.environment(POND)
    site = environment / SITE[platform.name]
    for path, text in files.items():
        write_atomically(site / path, text)
    for path, target in (links or {}).items():
        (site / path).symlink_to(target)
    record = LinkRecord.of(BuildRecord(env_name=POND.env_name, entries=()), POND.env_name, scan_tree(environment))
    write_atomically(base / LAYOUT.record("link", POND), record.text())
    hashes = dict.fromkeys(
        ("requirements_hash", "lock_input_hash", "other_inputs_hash", "version_inputs_hash"), f"sha256:{'a' * 64}"
    )
    lock = {**hashes, "lock_version": 1, "locked_at": "2025-10-20T12:00:00+00:00"}
    write_atomically(base / LAYOUT.lock_metadata(POND), json.dumps(lock))
    archive_layer(PublishedLayer(POND, platform, LAYOUT, base, {}), ArchiveOptions("tar.gz"), Tools({}, base / "cache"))


def record(*paths: str) -> str:
    return "".join(f"{path},sha256=x,1\n" for path in paths)


@needs_case
def test_files_whose_names_are_the_same_on_some_systems(tmp_path: Path) -> None:
    files = {
        "frog/Legs.txt": "4",
        "frog/legs.txt": "5",
        "frog_legs-1.2.dist-info/RECORD": record("frog/Legs.txt", "frog/legs.txt"),
        "newt-1.dist-info/RECORD": record("newt.py"),
    }
    with pytest.raises(PublishError) as caught:
        archive(tmp_path, files)
    site = SITE["linux_x86_64"]
    assert caught.value.message == (
        f"layer 'pond' cannot be published: '{site}/frog/legs.txt' and '{site}/frog/Legs.txt' are the same on some "
        "file systems, and deploying refuses that"
    )
    assert caught.value.details == (
        f"{site}/frog/legs.txt is part of frog_legs 1.2",
        f"{site}/frog/Legs.txt is part of frog_legs 1.2",
    )
    assert caught.value.hint
    assert "exclude" in caught.value.hint
    assert caught.value.exit_code == ExitCode.PUBLISHING
    assert not [*(tmp_path / "_artifacts").glob("*.tar.gz*")]


@needs_case
def test_files_that_no_package_brings(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="the same on some file systems") as caught:
        archive(tmp_path, {"Hop.py": "", "hop.py": ""})
    assert caught.value.details == ()
    assert caught.value.hint
    assert "rename" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "links", "platform", "says"),
    [
        pytest.param("aux.py", {}, "win_amd64", "cannot be a file's name on Windows", marks=needs_name("aux.py")),
        pytest.param("frog\x07.py", {}, "linux_x86_64", "no part of a file's name", marks=needs_name("frog\x07.py")),
        pytest.param(
            "frog.py",
            {"link": "../../../../framework-lily/x"},
            "linux_x86_64",
            "leads out of its layer",
            marks=needs_symbolic_links,
        ),
        pytest.param(
            "frog.py", {"a": "b", "b": "a"}, "linux_x86_64", "goes round in circles", marks=needs_symbolic_links
        ),
    ],
)
def test_whatever_else_deploying_refuses(
    tmp_path: Path, name: str, links: Mapping[str, str], platform: str, says: str
) -> None:
    with pytest.raises(PublishError, match=says):
        archive(tmp_path, {name: ""}, links, PLATFORMS[platform])


@needs_case
@needs_symbolic_links
@needs_name("aux.py")
def test_folders_that_become_one_and_links_to_layers_below_are_fine(tmp_path: Path) -> None:
    archive(tmp_path, {"terminfo/E/Eterm": "", "terminfo/e/elm": "", "aux.py": ""}, {"python": "../../../../py/bin"})
    assert (tmp_path / "_artifacts/framework-pond.tar.gz").is_file()
