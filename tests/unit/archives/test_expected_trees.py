from __future__ import annotations

import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.hostile_archives import MANIFESTS, TOP, entries
from venvstacks.archives.expected import check_path, expect, folded
from venvstacks.digests import TreeEntry
from venvstacks.model.platforms import PLATFORMS

WINDOWS = PLATFORMS["win_amd64"]
SIBLINGS = {"py", "framework-reeds"}
BACK = TreeEntry("folder/back", target="new")


@pytest.mark.parametrize(("name", "entry", "says"), MANIFESTS, ids=[case[0] for case in MANIFESTS])
def test_hostile_manifests_are_refused(name: str, entry: TreeEntry, says: str) -> None:
    assert name
    more = [BACK] if entry.target and entry.target.startswith("back") else []
    with pytest.raises(ValueError, match=says):
        expect([*entries(), entry, *more], TOP, siblings=SIBLINGS)


@pytest.mark.parametrize(
    "target",
    ["../a.txt", "deep", "deep/../b.txt", "../../py", "../../py/bin/python3.11", "../../framework-reeds/x", ".", "link",
     "missing", "../folder/deep/run"],
)  # fmt: skip
def test_links_that_stay_among_the_layers(target: str) -> None:
    found = expect([*entries(), TreeEntry("folder/new", target=target)], TOP, siblings=SIBLINGS)
    assert found.entries["folder/new"].target == target


def test_links_are_followed_through_each_other() -> None:
    tricky = [TreeEntry("here", target="."), TreeEntry("out", target="here/here/../py")]
    assert expect([*entries(), *tricky], TOP, siblings=SIBLINGS)
    tricky[1] = TreeEntry("out", target="here/here/../../frog")
    with pytest.raises(ValueError, match="out of its layer"):
        expect([*entries(), *tricky], TOP, siblings=SIBLINGS)


def test_folders_that_differ_in_case_alone_may_both_be_there() -> None:
    digest = "0" * 64
    listed = [TreeEntry("terminfo/e/eterm", sha256=digest), TreeEntry("terminfo/E/Eterm-color", sha256=digest)]
    assert expect(listed, TOP).folders == {"", "terminfo", "terminfo/e", "terminfo/E"}
    with pytest.raises(ValueError, match="the same"):
        expect([*listed, TreeEntry("terminfo/E/Eterm", sha256=digest)], TOP)


@pytest.mark.parametrize(("one", "other"), [("é", "e\u0301"), ("ß", "SS"), ("Å", "Å"), ("ﬁ", "fi"), ("Σ", "ς")])
def test_names_that_some_file_system_takes_for_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(
    "name",
    [
        "con",
        "CON.txt",
        "nul.tar.gz",
        "com1",
        "LPT9.py",
        "com¹",
        "aux ",
        "x.",
        "x ",
        "a:b",
        "a?b",
        'a"b',
        "a|b",
        "conin$",
    ],
)
def test_names_that_windows_cannot_store(name: str) -> None:
    for path in (name, f"folder/{name}", f"{name}/file"):
        with pytest.raises(ValueError, match=r"on Windows|no part of a file's name"):
            check_path(path, WINDOWS)
    if ":" not in name:
        check_path(name, PLATFORMS["linux_x86_64"])


@pytest.mark.parametrize("name", ["console", "com10", "nul_", "auxiliary.py", "x.y", ".hidden"])
def test_names_that_windows_can_store(name: str) -> None:
    check_path(name, WINDOWS)


@pytest.mark.parametrize(("size", "digest"), [(-1, "0" * 64), (1, ""), (1, "g" * 64), (1, "A" * 64)])
def test_rows_that_make_no_sense(size: int, digest: str) -> None:
    with pytest.raises(ValueError, match="no proper size or digest"):
        expect([TreeEntry("x", size, sha256=digest)], TOP)


def test_a_trees_size() -> None:
    found = expect([TreeEntry("a/b", 1, sha256="0" * 64), TreeEntry("c", 4097, sha256="0" * 64)], TOP)
    assert found.size == 4098


parts = st.sampled_from(["a", "b", "x", "y", "..", ".", "py", "..", "z"])
trees = st.dictionaries(st.sampled_from(["x", "y", "a/x", "a/b/y", "a/z"]), st.lists(parts, min_size=1, max_size=6))


@given(trees)
@example({"x": ["..", ".", "py"]})
def test_accepted_links_never_lead_out(tree: dict[str, list[str]]) -> None:
    """Against a plain reading of what a kernel does, one component at a time."""
    links = {path: "/".join(target) for path, target in tree.items()}
    listed = [TreeEntry(path, target=target) for path, target in links.items()]
    try:
        expect(listed, TOP, siblings={"py"})
    except ValueError:
        return
    for path in links:
        assert reached(path, links)


def plain(target: str) -> list[str]:
    return [part for part in target.split("/") if part != "."]


def reached(path: str, links: dict[str, str], depth: int = 0) -> bool:
    """Whether following the link at `path` stays in the layer, or ends in `py` without leaving it again."""
    assert depth < 60
    here = posixpath.dirname(path)
    remaining = plain(links[path])
    while remaining:
        part = remaining.pop(0)
        if part == "..":
            if here == "":
                return remaining[0] == "py" and ".." not in remaining
            here = posixpath.dirname(here)
            continue
        here = posixpath.join(here, part)
        if here in links:
            remaining = plain(links[here]) + remaining
            here = posixpath.dirname(here)
            depth += 1
            assert depth < 60
    return True
