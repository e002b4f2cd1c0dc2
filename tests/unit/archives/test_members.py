from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.archives.members import Member, is_shipped, members
from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.errors import PublishError

SITE = "lib/python3.11/site-packages"


@pytest.mark.parametrize(
    "path",
    [
        "pyvenv.cfg",
        ".lock",
        ".hidden/file",
        "__pycache__",
        f"{SITE}/a/__pycache__",
        f"{SITE}/a/__pycache__/b.txt",
    ],
)
def test_what_only_makes_sense_on_the_building_machine_is_left_out(path: str) -> None:
    assert not is_shipped(path)


@pytest.mark.parametrize(
    "path",
    [
        "bin/python",
        "share/pyvenv.cfg",
        "lib/.hidden",
        f"{SITE}/a/__pycache__.py",
        f"{SITE}/a/b.pyc",
        f"{SITE}/sitecustomize.py",
        f"{SITE}/usercustomize.py",
    ],
)
def test_what_only_looks_like_it_is_shipped(path: str) -> None:
    assert is_shipped(path)


def test_folders_files_and_links_are_members_in_sorted_order() -> None:
    entries = [
        TreeEntry("lib/b.so", 7, executable=True, sha256="bb"),
        TreeEntry("lib64", target="lib"),
        TreeEntry("lib/a.txt", 5, sha256="aa"),
        TreeEntry("pyvenv.cfg", 5, sha256="cc"),
    ]
    assert members(entries, "app@1") == (
        Member("app@1"),
        Member("app@1/lib"),
        Member("app@1/lib/a.txt", "lib/a.txt", size=5, sha256="aa"),
        Member("app@1/lib/b.so", "lib/b.so", size=7, executable=True, sha256="bb"),
        Member("app@1/lib64", "lib64", target="lib"),
    )


def test_modes_are_normalised() -> None:
    entries = [TreeEntry("d/x", executable=True), TreeEntry("d/y"), TreeEntry("d/z", target="y")]
    listed = members(entries, "top", added={"post.py": b""})
    assert {member.path: oct(member.mode) for member in listed} == {
        "top": "0o755",
        "top/d": "0o755",
        "top/d/x": "0o755",
        "top/d/y": "0o644",
        "top/d/z": "0o777",
        "top/post.py": "0o644",
    }


def test_generated_files_carry_their_bytes_and_take_the_place_of_entries() -> None:
    listed = members([TreeEntry("post.py", 99, sha256="old")], "top", added={"post.py": b"new", "deep/er.py": b""})
    assert listed == (
        Member("top"),
        Member("top/deep"),
        Member("top/deep/er.py", content=b"", sha256=sha256_bytes(b"")),
        Member("top/post.py", content=b"new", size=3, sha256=sha256_bytes(b"new")),
    )
    assert [member.is_folder for member in listed] == [True, True, False, False]


def test_an_empty_environment_is_its_top_folder() -> None:
    assert members([], "top") == (Member("top"),)


def test_the_order_is_that_of_code_points() -> None:
    paths = ["a/b", "a-b", "Z", "é", "z", "🐸", "\uffee"]
    listed = [member.path for member in members([TreeEntry(path) for path in paths], "t")]
    assert listed == ["t", "t/Z", "t/a", "t/a-b", "t/a/b", "t/z", "t/é", "t/\uffee", "t/🐸"]
    assert listed == sorted(listed, key=str.encode)


@pytest.mark.parametrize("target", ["lib", "../lib", "../../cpython-3.11/bin/python3.11", "./x/../y"])
def test_links_among_the_layers_are_fine(target: str) -> None:
    assert members([TreeEntry("bin/python", target=target)], "top")[-1].target == target


@pytest.mark.parametrize(
    "target", ["/usr/bin/python3", "../../..", "../../../elsewhere", "../../top/../../x", "C:/Python/python.exe", "C:x"]
)
def test_links_that_leave_the_layers_are_refused(target: str) -> None:
    with pytest.raises(PublishError, match="top/bin/python points to") as caught:
        members([TreeEntry("bin/python", target=target)], "top")
    assert caught.value.hint


@pytest.mark.parametrize("entry", [TreeEntry("lib/\udcff.txt"), TreeEntry("lib/x", target="\udcff")])
def test_names_that_are_not_unicode_are_refused(entry: TreeEntry) -> None:
    with pytest.raises(PublishError, match="is not Unicode"):
        members([entry], "top")


_names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=5)
_parts = st.lists(_names.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=4)


@given(st.sets(_parts.map("/".join), max_size=12), st.randoms(use_true_random=False))
def test_members_depend_on_the_set_of_entries_only(paths: set[str], chance: random.Random) -> None:
    files = [path for path in paths if not any(other.startswith(path + "/") for other in paths)]
    entries = [TreeEntry(path) for path in files]
    listed = members(entries, "top")
    chance.shuffle(entries)
    assert members(entries, "top") == listed
    names = [member.path for member in listed]
    assert len(set(names)) == len(names)
    assert {member.source for member in listed} - {None} == {path for path in files if is_shipped(path)}
    for position, name in enumerate(names[1:], start=1):
        assert name.rpartition("/")[0] in names[:position]
