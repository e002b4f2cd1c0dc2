from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.capabilities import needs_symbolic_links
from venvstacks.tools import folder_links as folderlinks
from venvstacks.tools.folder_links import leads_to, link_entry, link_folder, pointer_target, turn_pointer
from venvstacks.tools.tree_removal import is_folder_link, remove_tree, remove_what_can_be


@needs_symbolic_links
def test_links_are_relative_and_survive_a_move(tmp_path: Path) -> None:
    (tmp_path / "d/store/a").mkdir(parents=True)
    (tmp_path / "d/store/b").mkdir()
    link_folder(tmp_path / "d/store/b/a", tmp_path / "d/store/a", windows=False)
    assert (tmp_path / "d/store/b/a").readlink() == Path("../a")
    (tmp_path / "d").rename(tmp_path / "e")
    assert leads_to(tmp_path / "e/store/b/a", tmp_path / "e/store/a")
    assert not leads_to(tmp_path / "e/store/b/a", tmp_path / "e/store/c")
    assert not leads_to(tmp_path / "e/store/b", tmp_path / "e/store/a")


def test_windows_gets_junctions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str]] = []

    class Windows:
        @staticmethod
        def CreateJunction(target: str, place: str) -> None:  # noqa: N802 - Windows' name
            made.append((target, place))

    monkeypatch.setattr(folderlinks.importlib, "import_module", lambda _: Windows)
    with pytest.raises(FileNotFoundError, match="target"):
        link_folder(tmp_path / "place", tmp_path / "target", windows=True)
    (tmp_path / "target").mkdir()
    link_folder(tmp_path / "place", tmp_path / "target", windows=True)
    assert made == [(str(tmp_path / "target"), str(tmp_path / "place"))]


def test_a_junction_that_cannot_be_made_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python makes the folder first; file systems such as exFAT refuse to make a junction of it."""

    class Windows:
        @staticmethod
        def CreateJunction(target: str, place: str) -> None:  # noqa: N802 - Windows' name
            Path(place).mkdir()
            raise OSError(22, f"request not supported: {target}")

    monkeypatch.setattr(folderlinks.importlib, "import_module", lambda _: Windows)
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match="not supported"):
        link_folder(tmp_path / "place", tmp_path / "target", windows=True)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    with pytest.raises(FileExistsError):
        link_folder(tmp_path / "target", tmp_path / "target", windows=True)
    assert (tmp_path / "target").is_dir()


def test_windows_gets_copies_of_files_and_others_get_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("frog")
    link_entry(tmp_path / "copy", tmp_path / "file", windows=True)
    assert not (tmp_path / "copy").is_symlink()
    assert (tmp_path / "copy").read_text() == "frog"


@pytest.mark.skipif(os.name != "nt", reason="junctions")
def test_junctions_are_links_and_go_without_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "target/below").mkdir(parents=True)
    (tmp_path / "target/below/file").write_text("frog")
    for name in ("place", "other"):
        link_folder(tmp_path / name, tmp_path / "target")
        assert is_folder_link(tmp_path / name)
        assert leads_to(tmp_path / name, tmp_path / "target")
    remove_tree(tmp_path / "place")
    assert remove_what_can_be(tmp_path / "other") == []
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (tmp_path / "target/below/file").read_text() == "frog"


@pytest.mark.parametrize("windows", [True, pytest.param(False, marks=needs_symbolic_links)])
def test_the_pointer(windows: bool, tmp_path: Path) -> None:  # noqa: FBT001
    pointer = tmp_path / "current"
    (tmp_path / "staging").mkdir()
    assert pointer_target(pointer) is None
    for number in ("1", "20", "3"):
        (tmp_path / "generations" / number).mkdir(parents=True)
        turn_pointer(pointer, Path("generations") / number, tmp_path / "staging", windows=windows)
        assert pointer_target(pointer) == number
        assert pointer.is_symlink() != windows
    assert [*(tmp_path / "staging").iterdir()] == []
