"""Hints about locks and their files, and about layers that conflict: each is followed."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.followed_hints import LINUX, WINDOWS, HintRow, HintRows, Site, follow, raising
from tests.support.original_locks import write_lock_of_07
from tests.support.specifications import framework, runtime
from venvstacks.api import Selection
from venvstacks.locking.lock_metadata import hash_lock

hint = HintRows()


# What locking is asked for


@hint("check --local-wheels")
def a_folder_that_is_not_there(site: Site) -> Iterator[str | None]:
    site.options["local_wheels"] = ("nowhere",)
    yield None
    site.options["local_wheels"] = (str(site.house),)


@hint("run `venvstacks lock`, or build with --lock-if-needed")
def a_stale_lock(site: Site) -> Iterator[str | None]:
    site.lock()
    site.change('"frog"', '"newt"')
    site.request = {"lock_policy": "require-valid"}
    yield None
    site.request = {"lock_policy": "if-needed"}
    site.lock()
    site.change('"newt"', '"frog"')
    site.request = {"lock_policy": "require-valid"}
    yield None
    site.request = {"renew_locks": True}


@hint("run `venvstacks lock`: it keeps the versions, and lock version and time where no version changes")
def a_lock_of_another_era(site: Site) -> Iterator[str | None]:
    layer = site.stack.project().stack.by_env_name["py"]
    write_lock_of_07(site.base, layer, {"frog": "2.0"})
    site.request = {"lock_policy": "require-valid"}
    yield None
    site.request = {"renew_locks": True}
    site.lock()
    assert site.stack.versions("py") == {"frog": "2.0"}


def lock_path(site: Site, name: str = "py") -> Path:
    return site.base / f"requirements/{name}/pylock.{name}.toml"


@hint("restore its files from version control, or run `venvstacks lock`, which keeps versions that can be read")
def an_edited_lock(site: Site) -> Iterator[str | None]:
    site.lock()
    before = lock_path(site).read_text()
    lock_path(site).write_text(before.replace('"3.0"', '"2.0"'))
    site.request = {"lock_policy": "require-valid"}
    yield None
    lock_path(site).write_text(before)
    site.lock()
    lock_path(site).write_text(before + "\n")
    site.request = {"renew_locks": True}


@hint("restore the file, or drop its versions with --reset-lock ")
def a_lock_that_is_no_lock(site: Site) -> Iterator[str | None]:
    site.lock()
    before = lock_path(site).read_text()
    lock_path(site).write_text("packages = [[[")
    yield None
    site.selection = Selection(reset_lock=("py",))
    site.lock()
    site.selection = Selection()
    lock_path(site).write_text(before)


def put_lock(site: Site, text: str) -> None:
    """Write a lock that its metadata describes."""
    metadata = lock_path(site).with_name("pylock.py.meta.json")
    content = json.loads(metadata.read_text())
    lock_path(site).write_text(text)
    metadata.write_text(json.dumps(content | {"requirements_hash": hash_lock(text)}))


@hint("restore the file, or run `venvstacks lock`, which keeps the versions that can be read")
def a_lock_with_an_unreadable_entry(site: Site) -> Iterator[str | None]:
    site.lock()
    before = lock_path(site).read_text()
    put_lock(site, before + '\n[[packages]]\nname = "toad"\n')
    (site.base / "requirements/py/packages-py.txt").unlink()
    site.request = {"lock_policy": "if-needed"}
    yield None
    put_lock(site, before)
    site.lock()
    put_lock(site, before + '\n[[packages]]\nname = "toad"\n')
    site.request = {"renew_locks": True}


@hint(" first")
def a_lower_layer_without_a_lock(site: Site) -> Iterator[str | None]:
    site.write(runtime(platforms=[LINUX]), framework("upper", requirements=["newt"]))
    site.selection = Selection(("framework-upper",), lock_dependencies=False)
    yield None
    site.selection = Selection(("py",))
    site.lock()
    site.selection = Selection(("framework-upper",), lock_dependencies=False)


@hint("run `venvstacks lock --if-needed` and commit the files in the folder of the locks")
def nothing_is_to_be_locked(site: Site) -> Iterator[str | None]:
    site.request = {"locked": True}
    yield None
    site.request = {"lock_policy": "if-needed"}
    site.lock()
    site.request = {"locked": True}


@hint("move the file that is where a folder is needed: ")
def a_file_in_the_way(site: Site) -> Iterator[str | None]:
    (site.base / "requirements").mkdir()
    (site.base / "requirements/py").touch()
    yield None
    (site.base / "requirements/py").unlink()


@hint("free some space on the disk of ", "make ", " writable, and run the same command again", "check ")
def a_disk_that_refuses(site: Site) -> Iterator[str | None]:
    for code, text in (
        (errno.ENOSPC, "free some space on the disk of "),
        (errno.EROFS, "writable, and run the same command again"),
        (errno.EIO, "and run the same command again"),
    ):
        with site.monkeypatch.context() as broken:
            broken.setattr("venvstacks.actions.locking.lock.write_if_changed", raising(OSError(code, "no")))
            yield text


# Requirements that conflict


@hint("change the requirements of ", ", or those of ")
def layers_that_contradict_each_other(site: Site) -> Iterator[str | None]:
    site.write(
        runtime(platforms=[LINUX]),
        framework("base", requirements=["frog>=3"]),
        framework("upper", "base", requirements=["pond"]),
    )
    yield None
    site.change('"pond"', '"sea"')
    site.lock()
    site.change('"sea"', '"pond"')
    yield None
    site.change('"frog>=3"', '"frog"')


@hint("run `venvstacks lock` for ", " too, without --strict-layers: it adapts them; or require ")
def a_layer_that_would_have_to_be_adapted(site: Site) -> Iterator[str | None]:
    """For Windows alone: the hint has the marker, and other platforms keep the newest version."""
    needs = "pond; sys_platform == 'win32'"
    site.write(
        runtime(platforms=[LINUX, WINDOWS]),
        framework("base", requirements=["frog"]),
        framework("upper", "base", requirements=[needs]),
    )
    site.request |= {"strict_layers": True, "clean": True}
    yield """require "frog==2.0; sys_platform == 'win32'" in 'framework-base'"""
    before = site.stack.path.read_text()
    site.change('["frog"]', """["frog", "frog==2.0; sys_platform == 'win32'"]""")
    site.lock()
    site.stack.path.write_text(before)
    yield None
    del site.request["strict_layers"]
    site.lock()
    site.selection = Selection(("framework-upper",), lock_dependencies=False)
    site.stack.path.write_text(before.replace("pond", "marsh"))
    yield "require \"frog==1.0; sys_platform == 'win32'\" in 'framework-base'"
    site.selection = Selection(("framework-upper", "framework-base"))


@hint("require the same version in both layers, or move the package into a layer below both")
def layers_side_by_side(site: Site) -> Iterator[str | None]:
    site.write(
        runtime(platforms=[LINUX]),
        framework("one", requirements=["frog==3.0"]),
        framework("two", requirements=["frog==2.0"]),
        framework("top", "one", "two", requirements=["frog"]),
    )
    yield None
    before = site.stack.path.read_text()
    site.change('"frog==2.0"', '"frog==3.0"')
    site.lock()
    site.write(
        before.replace('"frog==3.0"', "")
        .replace('"frog==2.0"', "")
        .replace("requirements = []", 'requirements = ["frog==2.0"]', 1)
    )


@hint("correct the name, take it out of `exclude`, or exclude it in the layer that installs it")
def what_cannot_be_left_out(site: Site) -> Iterator[str | None]:
    for wrong, right in (("forg", '"frog"'), ("forg", "")):
        site.py("pond", exclude=[wrong])
        yield None
        site.change(f'"{wrong}"', right)
        site.lock()
    site.write(
        runtime(platforms=[LINUX], requirements=["frog"]), framework("upper", requirements=["pond"], exclude=["frog"])
    )
    site.change('"frog"', '"frog<3"')
    yield None
    site.write(
        runtime(platforms=[LINUX], requirements=["pond"], exclude=["frog"]), framework("upper", requirements=["pond"])
    )


@pytest.mark.parametrize("row", hint, ids=hint.names)
def test_following_the_hint_helps(hint_site: Site, row: HintRow) -> None:
    assert follow(hint_site, row) == []
