"""`venvstacks verify`: a second build under other conditions, and what it says of a published archive that differs."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample_stack import BUILT, Pond, listing, ran
from venvstacks import Cancellation, InterruptedRunError, Selection, Verification, api
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import is_shipped, members
from venvstacks.archives.write_archive import ArchiveRequest, write_archive
from venvstacks.digests import scan_tree


@pytest.fixture
def stack(published_pond: Pond, tmp_path: Path) -> Pond:
    """The locked stack with its archives, and nothing built."""
    stack = published_pond.copy(tmp_path / "pond")
    shutil.copytree(published_pond.base / "_artifacts", stack.base / "_artifacts")
    return stack


def verify(stack: Pond, *arguments: str, **variables: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and what is said by layer."""
    local = ["--local-wheels", "wheels", "--no-index"]
    done = stack.command("verify", "venvstacks.toml", *local, "--json", *arguments, **variables)
    assert done.stdout, done.stderr
    return done.returncode, {row["layer"]: row for row in json.loads(done.stdout)["layers"]}


def test_a_second_build_in_another_folder_gives_the_same_archives(stack: Pond) -> None:
    code, said = verify(stack)
    assert said.keys() == set(BUILT)
    assert {row["verdict"] for row in said.values()} == {"same"}
    assert code == 0
    assert not (stack.base / "_build").exists()


def test_another_thread_can_cancel_it(stack: Pond) -> None:
    cancellation, second = Cancellation(), stack.base / "second"

    def cancel_while_building() -> None:
        while not (second / "build").exists():
            time.sleep(0.01)
        cancellation.cancel()

    threading.Thread(target=cancel_while_building, daemon=True).start()
    with pytest.raises(InterruptedRunError):
        api.verify(stack.project(), Verification(Selection(), second), cancellation=cancellation)
    assert not list(second.glob("artifacts/*.tar.zst"))


def test_the_first_differing_member_is_named(stack: Pond) -> None:
    legs = "app-plain/lib/python3.11/site-packages/plain.py"
    tree = stack.base / "tampered"
    for member, content in listing(stack.base / "_artifacts/app-plain.tar.zst"):
        if member.isreg():
            (tree / member.name).parent.mkdir(parents=True, exist_ok=True)
            (tree / member.name).write_bytes(content.replace(b"plain", b"drain") if member.name == legs else content)
            (tree / member.name).chmod(member.mode)
        elif member.issym():
            (tree / member.name).parent.mkdir(parents=True, exist_ok=True)
            (tree / member.name).symlink_to(member.linkname)
    contents = Contents(members(scan_tree(tree / "app-plain", is_shipped), "app-plain"), tree / "app-plain")
    epoch = int(listing(stack.base / "_artifacts/app-plain.tar.zst")[0][0].mtime)
    write_archive(ArchiveRequest(contents, stack.base / "_artifacts/app-plain.tar.zst", epoch))
    code, said = verify(stack, "--include", "app-*")
    assert code == 6
    assert {name: row["verdict"] for name, row in said.items()} == {"app-newt": "same", "app-plain": "different"}
    assert said["app-plain"]["difference"]["member"] == legs
    assert said["app-plain"]["difference"]["kind"] == "content"
    assert "line 2" in said["app-plain"]["difference"]["detail"]


def test_what_has_to_be_published_again_is_reported(stack: Pond) -> None:
    code, said = verify(stack, "--include", "py", SOURCE_DATE_EPOCH="1700000001")
    assert code == 6
    assert said["py"]["same_inputs"] is False
    assert said["py"]["difference"]["kind"] == "time"


def test_a_published_archive_that_is_damaged_is_named(stack: Pond) -> None:
    archive = stack.base / "_artifacts/framework-lily.tar.zst"
    archive.write_bytes(archive.read_bytes()[:300])
    done = stack.command(
        "verify", "venvstacks.toml", "--local-wheels", "wheels", "--no-index", "--include", "framework-lily"
    )
    assert done.returncode == 6
    assert f"layer 'lily': {archive} cannot be compared: the archive is cut off" in done.stderr


def test_archives_that_were_moved_are_known_by_their_digests(stack: Pond) -> None:
    for archive in (stack.base / "_artifacts").glob("*.tar.zst"):
        archive.unlink()
    code, said = verify(stack, "--include", "framework-lily", "--work-dir", "second")
    assert (code, said["framework-lily"]["verdict"]) == (0, "same")
    assert (stack.base / "second/artifacts/framework-lily.tar.zst").is_file()


def test_nothing_published_is_nothing_to_verify(pond: Pond) -> None:
    done = pond.command("verify", "venvstacks.toml", "--local-wheels", "wheels", "--no-index")
    assert (done.returncode, done.stdout) == (2, "")
    assert "venvstacks publish" in done.stderr


def test_names_of_published_files_do_not_change_what_is_verified(pond: Pond) -> None:
    ran(pond.run("build", "publish", options={"tag_outputs": True, "archive_format": "tar.gz"}))
    code, said = verify(pond, "--tag-outputs", "--archive-format", "tar.gz")
    assert code == 0
    assert said["py"]["archive"] == "py-linux_x86_64-1.tar.gz"
