from __future__ import annotations

import pytest

from venvstacks._injected import postinstall
from venvstacks.model.relative_paths import has_drive, is_absolute, leads_out, reached

PATHS = [
    ("a", False), ("a/b", False), ("a//b", False), ("./a", False), ("a/..", False), ("a/../b", False), (".", False),
    ("a/b/../../c", False),
    ("frog//x/../../y", False), ("frog\\..\\toad.py", False), ("frog/./..toad", False),
    ("...", False), ("..a/b", False), ("a:b/c", True), ("..", True), ("../a", True),
    ("a/../../b", True), ("a/../../a/b", True), ("/a", True), ("//a", True), ("\\a", True), ("C:a", True),
    ("c:/a", True), ("..\\a", True), ("a\\..\\..\\b", True), ("a\\b", False), ("aa:b", False),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_what_leaves_a_folder(path: str, *, expected: bool) -> None:
    assert leads_out(path) is expected


@pytest.mark.parametrize(
    ("path", "start", "expected"),
    [
        ("a", "", "a"), ("a/../b", "", "b"), ("..", "x", "."), ("../y/z", "x", "y/z"), ("../../y", "x", None),
        ("../x/../..", "x", None), ("a/./b//c", "x", "x/a/b/c"), ("", "x", None), ("/a", "x", None), ("c:a", "x", None),
        ("a\\b", "x", None), ("a\nb", "x", None), ("a\x7fb", "x", None), ("a\ud800", "x", None), ("...", "", "..."),
    ],
)  # fmt: skip
def test_where_a_path_ends(path: str, start: str, expected: str | None) -> None:
    assert reached(path, start) == expected


def test_drives_and_roots() -> None:
    assert [path for path, _ in PATHS if is_absolute(path)] == ["a:b/c", "/a", "//a", "\\a", "C:a", "c:/a"]
    assert [has_drive(path) for path in ("c:", "c:/", "cc:", ":", "")] == [True, True, False, False, False]


@pytest.mark.parametrize("path", [*[path for path, _ in PATHS], "", "a\nb", "a\ud800", "../x", "../layer/x"])
def test_post_install_which_stands_alone_has_the_same_rule(path: str) -> None:
    assert postinstall._normalised(path) == (reached(path, postinstall._SELF) or "")
