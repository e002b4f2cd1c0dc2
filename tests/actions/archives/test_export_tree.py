from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.capabilities import marks_of, needs_case, needs_modes, needs_symbolic_links
from tests.support.folded_names import fold_names
from tests.support.packable_trees import ADDED, FILES, LINKS, SITE, TOP, contents_of, expected, make_tree, on_disk
from venvstacks.archives.folder import export_tree
from venvstacks.archives.member_contents import Contents
from venvstacks.errors import ChangedEnvironmentError, PublishError
from venvstacks.tools.clones import LinkMode

RUN = "bin/run"


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    return contents_of(make_tree(tmp_path / "env"))


def no_symlinks(*_: object, **__: object) -> NoReturn:
    raise OSError(95, "Operation not supported")


@needs_modes
def test_an_export_is_the_member_list_as_a_folder(contents: Contents, tmp_path: Path) -> None:
    exported = export_tree(contents, tmp_path / "out")
    assert on_disk(tmp_path / "out") == expected(contents.members, contents.root)
    assert exported.top == tmp_path / "out" / TOP
    assert (exported.files, exported.links) == (len(FILES) + len(ADDED), len(LINKS))


@pytest.mark.parametrize("mode", ["clone", "copy"])
def test_an_export_shares_no_file_with_the_environment(contents: Contents, tmp_path: Path, mode: LinkMode) -> None:
    top = export_tree(contents, tmp_path / "out", mode).top
    assert all(place.lstat().st_nlink == 1 for place in top.rglob("*") if not place.is_dir())
    with (top / RUN).open("ab") as stream:
        stream.write(b"changed in place")
    assert (contents.root / RUN).read_bytes() == FILES["bin/run"][0]


def test_folders_that_become_one_where_names_are_folded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_tree(tmp_path / "env")
    for path in ("share/terminfo/E/a", "share/terminfo/e/b"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    contents = contents_of(root)
    top = export_tree(contents, fold_names(tmp_path / "folds", monkeypatch) / "out").top
    assert {path.name for path in (top / "share/terminfo/e").iterdir()} == {"a", "b"}


@needs_case
@pytest.mark.parametrize("mode", ["clone", "copy", "hardlink"])
def test_of_two_files_that_would_become_one_neither_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: LinkMode
) -> None:
    root = make_tree(tmp_path / "env")
    for name in ("share/A", "share/a"):
        (root / name).write_text(name)
    contents = contents_of(root)
    with pytest.raises(PublishError, match="share/a"):
        export_tree(contents, fold_names(tmp_path / "folds", monkeypatch) / "out", mode)


def test_files_are_hard_linked_if_wanted_and_generated_ones_written(contents: Contents, tmp_path: Path) -> None:
    (contents.root / "postinstall.py").write_bytes(b"another one")
    top = export_tree(contents, tmp_path / "out", "hardlink").top
    assert (top / RUN).samefile(contents.root / RUN)
    assert not (top / "postinstall.py").samefile(contents.root / "postinstall.py")
    assert (top / "postinstall.py").read_bytes() == ADDED["postinstall.py"]


@needs_modes
def test_where_hard_links_are_not_to_be_had_files_are_copied(
    contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.link", no_symlinks)
    top = export_tree(contents, tmp_path / "out", "hardlink").top
    assert not (top / RUN).samefile(contents.root / RUN)
    assert on_disk(tmp_path / "out") == expected(contents.members, contents.root)


@needs_symbolic_links
def test_where_symbolic_links_are_not_to_be_had_what_they_lead_to_is_copied(
    contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.symlink", no_symlinks)
    exported = export_tree(contents, tmp_path / "out")
    assert exported.links == 0
    assert not any(place.is_symlink() for place in exported.top.rglob("*"))
    for link in ("share/venv/dynlib/libfrog.so", "share/venv/dynlib/🐸.so"):
        assert (exported.top / link).read_bytes() == FILES[f"{SITE}/frogs/block.bin"][0]
    copied = exported.top / SITE.replace("lib/", "lib64/", 1) / "frogs"
    assert (copied / "twin-1.txt").read_bytes() == b"twins\n"
    assert not (copied / "__pycache__").exists()


@needs_symbolic_links
def test_a_dangling_link_cannot_be_copied(contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (contents.root / "dangling").symlink_to("nowhere")
    again = contents_of(contents.root)
    assert export_tree(again, tmp_path / "links").links == len(LINKS) + 1
    monkeypatch.setattr("os.symlink", no_symlinks)
    with pytest.raises(PublishError, match="cannot be a symbolic link on this file system") as caught:
        export_tree(again, tmp_path / "copies")
    assert caught.value.hint


CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "gone": (RUN, lambda place: place.unlink()),
    "other size": (RUN, lambda place: place.write_bytes(b"")),
    "a folder": (RUN, lambda place: (place.unlink(), place.mkdir())),
    "a link": (RUN, lambda place: (place.unlink(), place.symlink_to("../lib"))),
    "link turned": ("lib64", lambda place: (place.unlink(), place.symlink_to("bin"))),
}


@pytest.mark.parametrize("change", [pytest.param(name, marks=marks_of(name)) for name in CHANGES])
def test_a_changed_environment_is_not_exported(contents: Contents, tmp_path: Path, change: str) -> None:
    path, make = CHANGES[change]
    make(contents.root / path)
    with pytest.raises(ChangedEnvironmentError) as caught:
        export_tree(contents, tmp_path / "out")
    assert str(contents.root / path) in caught.value.message


def test_existing_files_are_not_replaced(contents: Contents, tmp_path: Path) -> None:
    (tmp_path / "out" / TOP).mkdir(parents=True)
    with pytest.raises(PublishError, match=r"cannot be written: File (already )?exists"):
        export_tree(contents, tmp_path / "out")
    assert not any((tmp_path / "out" / TOP).iterdir())
