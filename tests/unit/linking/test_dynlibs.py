"""Which files are published as shared libraries, under which names, and what is said where they differ."""

from __future__ import annotations

import json
import posixpath
import tomllib
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.errors import LinkError
from venvstacks.linking.dynlibs import (
    FoundLibraries,
    LibrarySearch,
    conflict_error,
    find_libraries,
    matches_end,
)
from venvstacks.model.platforms import PLATFORMS

SITE = "lib/python3.11/site-packages"


def file(path: str, content: str = "same") -> TreeEntry:
    return TreeEntry(f"{SITE}/{path}", len(content), sha256=sha256_bytes(content.encode()))


def find(
    *entries: TreeEntry, platform: str = "linux_x86_64", exclude: tuple[str, ...] = (), modules: tuple[str, ...] = ()
) -> FoundLibraries:
    search = LibrarySearch(PLATFORMS[platform], SITE, lambda path: path in modules, exclude)
    return find_libraries(entries, search)


@pytest.mark.parametrize(
    ("name", "published_on"),
    [
        ("libfrog.so", "linux macosx"),
        ("libfrog.so.1", "linux"),
        ("libfrog.so.1.2.3", "linux"),
        ("libgfortran-040039e1.so.5.0.0", "linux"),
        ("libfrog.dylib", "macosx"),
        ("libfrog.1.dylib", "macosx"),
        ("newt.cpython-311-x86_64-linux-gnu.so", ""),
        ("newt.cpython-311-darwin.so", ""),
        ("newt.cpython-313t-x86_64-linux-gnu.so", ""),
        ("newt.abi3.so", ""),
        ("newt.pypy310-pp73-x86_64-linux-gnu.so", ""),
        ("newt.so.py", ""),
        ("newt.so.conf", ""),
        (".so", ""),
        ("frog.dll", ""),
        ("newt.pyd", ""),
        ("libfrog.a", ""),
    ],
)
def test_names_distinguish_libraries_from_extension_modules(name: str, published_on: str) -> None:
    systems = {"linux": "linux_x86_64", "macosx": "macosx_arm64", "win": "win_amd64"}
    published = {system for system, platform in systems.items() if find(file(f"frog/{name}"), platform=platform).links}
    assert published == set(published_on.split())


def test_a_plain_so_that_exports_its_init_function_is_an_extension_module() -> None:
    assert find(file("newt.so"), file("libfrog.so"), modules=(f"{SITE}/newt.so",)).links == {
        "libfrog.so": f"../../../{SITE}/libfrog.so"
    }


def test_content_is_asked_for_only_where_the_name_leaves_it_open() -> None:
    asked = []
    search = LibrarySearch(PLATFORMS["linux_x86_64"], SITE, lambda path: bool(asked.append(path)), ("left/out.so",))
    entries = [file(name) for name in ("a.so", "b.abi3.so", "c.so.1", "d.py", "e.1.so", "left/out.so")]
    find_libraries(entries, search)
    assert asked == [f"{SITE}/a.so"]


def test_files_of_distributions_outside_site_packages_count() -> None:
    search = LibrarySearch(PLATFORMS["linux_x86_64"], SITE, lambda _: False, data=("lib/libmkl_rt.so.2",))
    entries = [TreeEntry(path, 1, sha256="x") for path in ("lib/libmkl_rt.so.2", "lib/libpython3.11.so.1.0")]
    assert find_libraries(entries, search).links == {"libmkl_rt.so.2": "../../../lib/libmkl_rt.so.2"}


def test_only_site_packages_count() -> None:
    outside = ["lib/libpython3.11.so.1.0", "lib/python3.11/lib-dynload/libx.so", f"{SITE}-not/libx.so", "libx.so"]
    assert not find(*[TreeEntry(path, 1, sha256="x") for path in outside]).libraries


def test_links_come_in_order_of_names_and_lead_back_to_the_files() -> None:
    links = find(file("z/liba.so"), file("a/libz.so.9"), file("m/libm.dylib")).links
    assert list(links.items()) == [
        ("liba.so", f"../../../{SITE}/z/liba.so"),
        ("libz.so.9", f"../../../{SITE}/a/libz.so.9"),
    ]


def test_of_identical_files_the_first_by_path_is_taken() -> None:
    assert find(file("b/libx.so"), file("a/libx.so"), file("c/libx.so")).links == {
        "libx.so": f"../../../{SITE}/a/libx.so"
    }


class TestSymbolicLinks:
    def test_a_link_is_a_library_of_its_own_name(self) -> None:
        found = find(file("frog/libfrog.so.1"), TreeEntry(f"{SITE}/frog/libfrog.so", target="libfrog.so.1"))
        assert found.links == {
            "libfrog.so": f"../../../{SITE}/frog/libfrog.so",
            "libfrog.so.1": f"../../../{SITE}/frog/libfrog.so.1",
        }
        assert len({library.sha256 for library in found.libraries}) == 1

    def test_a_link_and_an_identical_file_of_the_same_name_do_not_conflict(self) -> None:
        link = TreeEntry(f"{SITE}/a/libx.so", target="../b/libx.so")
        assert find(file("b/libx.so"), link).links == {"libx.so": f"../../../{SITE}/a/libx.so"}

    @pytest.mark.parametrize("target", ["nowhere.so", "/usr/lib/libc.so", "../../../../../libc.so", "libx.so"])
    def test_links_to_nothing_in_the_tree_are_passed_over(self, target: str) -> None:
        assert not find(TreeEntry(f"{SITE}/libx.so", target=target)).libraries

    def test_a_link_to_the_runtime_s_own_library_is_passed_over(self) -> None:
        own = TreeEntry("lib/libpython3.11.so.1.0", 9, sha256="x")
        assert not find(own, TreeEntry(f"{SITE}/libpython3.11.so.1.0", target="../../libpython3.11.so.1.0")).libraries

    def test_links_in_a_circle_are_passed_over(self) -> None:
        circle = [TreeEntry(f"{SITE}/{a}.so", target=f"{b}.so") for a, b in [("x", "y"), ("y", "x")]]
        assert not find(*circle).libraries


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("*.so.1", "a/b/libx.so.1", True),
        ("*.so.1", "a/b/libx.so.12", False),
        ("libx.so", "a/libx.so", True),
        ("libx.so", "a/mylibx.so", False),
        ("b/*.so.1", "a/b/libx.so.1", True),
        ("a/*.so.1", "a/b/libx.so.1", False),
        ("nvidia/**/*.so.9", "lib/nvidia/cudnn/lib/libx.so.9", True),
        ("nvidia/**/*.so.9", "lib/nvidia/libx.so.9", True),
        ("nvidia/**/*.so.9", "lib/other/libx.so.9", False),
        ("nvidia/**/*.so.9", "lib/mynvidia/libx.so.9", False),
        ("nvidia/**", "nvidia/a/b/libx.so", True),
        ("**", "a/b/libx.so", True),
        ("**/libx.so", "libx.so", True),
        ("**/a/**/c/*.so", "a/b/c/libx.so", True),
        ("**/c/**/a/*.so", "a/b/c/libx.so", False),
        ("nvidia", "nvidia/libx.so", False),
        ("lib[xy].so", "a/liby.so", True),
        ("lib[!xy].so", "a/liby.so", False),
        ("lib?.so", "a/liby.so", True),
        ("LIBY.so", "a/liby.so", False),
        ("/a/liby.so", "a/liby.so", False),
        ("./a/liby.so", "a/liby.so", True),
        ("", "a/liby.so", False),
        (".", "a/liby.so", False),
        ("/", "a/liby.so", False),
        ("../*.so", "a/liby.so", False),
        ("a/b/c/d/*.so", "d/liby.so", False),
    ],
)
def test_globs_match_the_end_of_the_path(glob: str, path: str, expected: bool) -> None:  # noqa: FBT001
    assert matches_end(path, glob) is expected


names = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name.strip("."))
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


@given(paths)
def test_every_end_of_a_path_matches_it_with_and_without_stars(path: str) -> None:
    parts = path.split("/")
    for start in range(len(parts)):
        assert matches_end(path, "/".join(parts[start:]))
        for stop in range(start, len(parts) + 1):
            assert matches_end(path, "/".join([*parts[:start], "**", *parts[stop:]])) or stop == len(parts) == start


@given(paths, paths)
def test_without_stars_a_glob_is_a_comparison_of_whole_names(path: str, glob: str) -> None:
    assert matches_end(path, glob) is (f"/{path}".endswith(f"/{glob}"))


def test_excluded_files_are_left_out_and_idle_globs_reported() -> None:
    found = find(file("a/libx.so.1"), file("a/libx.so.2"), exclude=("*.so.1", "a/*.so.7"))
    assert list(found.links) == ["libx.so.2"]
    assert found.unused_excludes == ("a/*.so.7",)


def conflict(*entries: TreeEntry, exclude: tuple[str, ...] = ()) -> LinkError:
    """The error where a layer needs all names that are in conflict."""
    found = find(*entries, exclude=exclude)
    return conflict_error("app", "framework-pond", found.left_out.values(), SITE, exclude)


class TestConflicts:
    entries = (
        file("a/libx.so", "one"),
        file("b/libx.so", "other"),
        file("c/libx.so", "one"),
        file("d/libx.so", "third thing"),
        file("a/liby[1].so.2", "one"),
        file("b/liby[1].so.2", "two"),
    )

    def test_every_place_and_size_is_named(self) -> None:
        error = conflict(*self.entries)
        assert "layer 'app' needs libx.so, liby[1].so.2, of which layer 'framework-pond' holds" in str(error)
        assert len(error.details) == len(self.entries)
        for entry in self.entries:
            assert any(entry.path in line and f"{entry.size} bytes" in line for line in error.details)

    def test_names_in_conflict_are_left_out_and_the_others_published(self) -> None:
        found = find(*self.entries, file("a/libz.so"))
        assert list(found.links) == ["libz.so"]
        assert {name: len(places) for name, places in found.left_out.items()} == {"libx.so": 4, "liby[1].so.2": 2}

    def test_pasting_the_hint_settles_it_and_keeps_the_first_of_each_name(self) -> None:
        error = conflict(*self.entries, exclude=("*.so.77",))
        advice = tomllib.loads(str(error.hint).splitlines()[-1])["dynlib_exclude"]
        assert advice == ["*.so.77", "b/libx.so", "d/libx.so", "b/liby[[]1].so.2"]
        found = find(*self.entries, exclude=tuple(advice))
        assert [library.path for library in found.libraries] == [f"{SITE}/a/libx.so", f"{SITE}/a/liby[1].so.2"]

    def test_the_hint_spares_a_file_whose_path_ends_alike(self) -> None:
        error = conflict(file("a/b/libx.so", "1"), file("b/libx.so", "2"))
        exclude = json.loads(str(error.hint).rpartition("dynlib_exclude = ")[2])
        assert list(find(file("a/b/libx.so", "1"), file("b/libx.so", "2"), exclude=tuple(exclude)).links) == ["libx.so"]

    def test_excluding_one_side_by_hand_settles_it_too(self) -> None:
        assert find(file("a/libx.so", "1"), file("b/libx.so", "2"), exclude=("a/**",)).links == {
            "libx.so": f"../../../{SITE}/b/libx.so"
        }


@given(st.dictionaries(paths, st.sampled_from("12"), max_size=8))
def test_pasting_the_hint_always_settles_it(contents: dict[str, str]) -> None:
    entries = [file(f"{path}.so.1", content) for path, content in contents.items()]
    found = find(*entries)
    if found.left_out:
        exclude = json.loads(str(conflict(*entries).hint).rpartition("dynlib_exclude = ")[2])
        found = find(*entries, exclude=tuple(exclude))
    assert not found.left_out
    assert {library.name for library in found.libraries} <= {PurePosixPath(entry.path).name for entry in entries}
    assert bool(found.libraries) == bool(entries)
    for name, target in found.links.items():
        real = posixpath.normpath(posixpath.join("share/venv/dynlib", target))
        assert any(entry.path == real for entry in entries)
        assert posixpath.basename(real) == name
