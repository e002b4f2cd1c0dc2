"""Trees compared with lists of their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.abilities import has_symbolic_links
from tests.support.capabilities import needs_modes, needs_symbolic_links
from venvstacks.digests import scan_tree
from venvstacks.tools.tree_comparison import compare_tree


def grow(root: Path) -> None:
    (root / "lib").mkdir(parents=True)
    (root / "lib/frog.py").write_text("legs = 4\n")
    (root / "lib/newt.py").write_text("legs = 4\n")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    if has_symbolic_links():
        (root / "link").symlink_to("lib")


def retarget(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("run")


def replace_by_link(root: Path) -> None:
    (root / "lib/frog.py").unlink()
    (root / "lib/frog.py").symlink_to("newt.py")


CHANGES: dict[str, tuple[Callable[[Path], object], list[tuple[str, str]]]] = {
    "nothing": (lambda _: None, []),
    "content of the same size": (
        lambda root: (root / "lib/frog.py").write_text("legs = 5\n"), [("lib/frog.py", "changed")]
    ),
    "size": (lambda root: (root / "lib/frog.py").write_text(""), [("lib/frog.py", "changed")]),
    "no longer executable": (lambda root: (root / "run").chmod(0o644), [("run", "changed")]),
    "executable": (lambda root: (root / "lib/newt.py").chmod(0o755), [("lib/newt.py", "changed")]),
    "removed": (lambda root: (root / "lib/newt.py").unlink(), [("lib/newt.py", "missing")]),
    "added": (lambda root: (root / "lib/toad.py").write_text(""), [("lib/toad.py", "foreign")]),
    "another target": (retarget, [("link", "changed")]),
    "a link for a file": (replace_by_link, [("lib/frog.py", "changed")]),
}  # fmt: skip


MARKS = {
    "no longer executable": (needs_modes,),
    "executable": (needs_modes,),
    "another target": (needs_symbolic_links,),
    "a link for a file": (needs_symbolic_links,),
}


@pytest.mark.parametrize(
    ("change", "expected"), [pytest.param(*case, id=name, marks=MARKS.get(name, ())) for name, case in CHANGES.items()]
)
def test_each_kind_of_change_is_found(
    tmp_path: Path, change: Callable[[Path], object], expected: list[tuple[str, str]]
) -> None:
    root = tmp_path / "tree"
    grow(root)
    listed = {entry.path: entry for entry in scan_tree(root)}
    change(root)
    assert [(one.path, one.kind) for one in compare_tree(root, listed)] == expected


def test_what_is_more_executable_or_passed_over_can_be_allowed(tmp_path: Path) -> None:
    grow(tmp_path)
    listed = {entry.path: entry for entry in scan_tree(tmp_path)}
    (tmp_path / "lib/newt.py").chmod(0o755)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/x").write_text("")
    assert not list(compare_tree(tmp_path, listed, lambda path: path != "cache", more_executable=True))


def test_without_a_tree_everything_is_missing(tmp_path: Path) -> None:
    grow(tmp_path / "tree")
    listed = {entry.path: entry for entry in scan_tree(tmp_path / "tree")}
    found = list(compare_tree(tmp_path / "nowhere", listed))
    assert {one.path for one in found if one.kind == "missing"} == listed.keys()
