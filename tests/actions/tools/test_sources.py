"""Launch and support modules on a real disk, without git."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.capabilities import needs_name, needs_symbolic_links
from venvstacks.errors import ExitCode, SourceError
from venvstacks.tools.module_files import read_source


def lay_out(base: Path, *files: str, **contents: str) -> None:
    for name, content in {**dict.fromkeys(files, ""), **contents}.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(content, encoding="utf-8")


def files_of(base: Path, path: str = "pkg") -> list[str]:
    source = read_source(base, path)
    assert source is not None
    return list(source.files)


def test_a_single_file(tmp_path: Path) -> None:
    lay_out(tmp_path, "lib/one.py")
    source = read_source(tmp_path, "lib/one.py")
    assert source is not None
    assert (source.module, source.is_package, source.file_paths) == ("one", False, ("lib/one.py",))


def test_a_folder_with_all_its_files_in_sorted_order(tmp_path: Path) -> None:
    lay_out(tmp_path, "pkg/b.py", "pkg/__init__.py", "pkg/data/x.bin", "pkg/a/z.py", "pkg/.hidden")
    source = read_source(tmp_path, "pkg")
    assert source is not None
    assert (source.module, source.is_package) == ("pkg", True)
    assert source.files == (".hidden", "__init__.py", "a/z.py", "b.py", "data/x.bin")


@pytest.mark.parametrize("path", ["none.py", "none", "single/x.py"])
def test_what_is_not_there(tmp_path: Path, path: str) -> None:
    lay_out(tmp_path, "pkg/x.py", "single")
    assert read_source(tmp_path, path) is None


@pytest.mark.parametrize(
    ("path", "files"),
    [("data.txt", ("",)), ("LICENSE", ("",)), ("my-pkg", ("__main__.py",)), ("my.d", ("x",)), ("1app.py", ("",))],
)
def test_files_and_folders_of_any_name(tmp_path: Path, path: str, files: tuple[str, ...]) -> None:
    lay_out(tmp_path, "data.txt", "LICENSE", "my-pkg/__main__.py", "my.d/x", "1app.py")
    for name in (path, str(tmp_path / path)):
        source = read_source(tmp_path, name)
        assert source is not None
        assert (source.path, source.files, source.is_package) == (name, files, files != ("",))


def test_without_git_only_bytecode_is_left_out(tmp_path: Path) -> None:
    lay_out(tmp_path, "pkg/a.py", "pkg/__pycache__/a.pyc", "pkg/.gitkeep", **{"pkg/.gitignore": "a.py\n"})
    assert files_of(tmp_path) == [".gitignore", ".gitkeep", "a.py"]


def test_in_a_work_tree_ignore_files_count_from_the_root_down(tmp_path: Path) -> None:
    lay_out(
        tmp_path,
        "pkg/a.py", "pkg/a.log", "pkg/b.log", "pkg/secret", "pkg/__pycache__/a.pyc", "pkg/.gitkeep",
        **{".gitignore": "*.log\n", "pkg/.gitignore": "!b.log\n", ".git/info/exclude": "secret\n"},
    )  # fmt: skip
    assert files_of(tmp_path) == ["a.py", "b.log"]


def test_nothing_in_an_ignored_folder_counts(tmp_path: Path) -> None:
    lay_out(tmp_path, "out/pkg/a.py", **{".gitignore": "out/\n", "out/pkg/.gitignore": "!*\n", ".git/HEAD": ""})
    assert files_of(tmp_path, "out/pkg") == []


def test_a_single_file_counts_even_if_ignored(tmp_path: Path) -> None:
    lay_out(tmp_path, "one.py", **{".gitignore": "*.py\n", ".git/HEAD": ""})
    assert read_source(tmp_path, "one.py") is not None


@needs_symbolic_links
def test_links_to_files_count_as_files(tmp_path: Path) -> None:
    lay_out(tmp_path, "pkg/a.py", "shared/b.py")
    (tmp_path / "pkg" / "inside.py").symlink_to("a.py")
    (tmp_path / "pkg" / "outside.py").symlink_to("../shared/b.py")
    assert files_of(tmp_path) == ["a.py", "inside.py", "outside.py"]


@needs_symbolic_links
@pytest.mark.parametrize("target", [".", "../shared", "nowhere"])
def test_other_links_are_refused_unless_ignored(tmp_path: Path, target: str) -> None:
    lay_out(tmp_path, "pkg/a.py", "shared/b.py")
    (tmp_path / "pkg" / "link").symlink_to(target)
    with pytest.raises(SourceError, match="link is a link to a folder or to nothing") as caught:
        read_source(tmp_path, "pkg")
    assert caught.value.exit_code is ExitCode.SPECIFICATION
    lay_out(tmp_path, **{".git/HEAD": "", ".gitignore": "link\n"})
    assert files_of(tmp_path) == ["a.py"]


@needs_symbolic_links
def test_a_linked_package_is_read_where_it_is(tmp_path: Path) -> None:
    lay_out(tmp_path, "real/a.py")
    (tmp_path / "pkg").symlink_to("real")
    assert files_of(tmp_path) == ["a.py"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_neither_file_nor_folder(tmp_path: Path) -> None:
    lay_out(tmp_path, "pkg/a.py")
    os.mkfifo(tmp_path / "pkg" / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        read_source(tmp_path, "pkg")


@needs_name("\udcff.py")
def test_a_name_that_is_not_text(tmp_path: Path) -> None:
    lay_out(tmp_path, "pkg/a.py", "pkg/\udcff.py")
    with pytest.raises(SourceError, match="not UTF-8"):
        read_source(tmp_path, "pkg")
