"""What an environment's tree keeps and loses before it is recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.capabilities import needs_modes, needs_symbolic_links
from tests.support.locked_layers import runtime
from venvstacks.actions.building.environment_tree import (
    copy_source,
    drop_unshipped,
    place_tree,
    place_windows_launchers,
)
from venvstacks.digests import scan_tree
from venvstacks.errors import BuildError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.source_trees import SourceTree
from venvstacks.tools.files import write_atomically

LAYOUT = EnvironmentLayout.of(runtime(), PLATFORMS["linux_x86_64"])
SITE = LAYOUT.site_dir


def put(environment: Path, *paths: str) -> None:
    for path in paths:
        write_atomically(environment / path, path)


def test_hidden_entries_and_foreign_link_folders_go(tmp_path: Path) -> None:
    put(tmp_path, "bin/python3.11", ".lock", ".hidden/x", "share/venv/x", "share/doc/x")
    drop_unshipped(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"bin/python3.11", "share/doc/x"}


@needs_symbolic_links
def test_a_tree_is_placed_as_links(tmp_path: Path) -> None:
    put(tmp_path / "from", "bin/python3.11", "left out")
    (tmp_path / "from/bin/python").symlink_to("python3.11")
    entries = scan_tree(tmp_path / "from", lambda path: path != "left out")
    place_tree(entries, tmp_path / "from", tmp_path / "to")
    assert scan_tree(tmp_path / "to") == entries
    assert (tmp_path / "to/bin/python3.11").stat().st_nlink == 2


@pytest.mark.parametrize(
    "taken", ["legs.py", "legs/__init__.py", "legs.abi3.so", "legs.cpython-311-x86_64-linux-gnu.so"]
)
@pytest.mark.parametrize(
    "source",
    [SourceTree("deep/legs.py", is_package=False, files=("",)), SourceTree("legs", is_package=True, files=("a.py",))],
    ids=["file", "package"],
)
def test_a_module_does_not_hide_an_installed_one(tmp_path: Path, taken: str, source: SourceTree) -> None:
    put(tmp_path, *source.file_paths)
    put(tmp_path / SITE, taken, "legs.libs/x.so", "legsandmore.py", "legs-1.dist-info/METADATA")
    with pytest.raises(BuildError, match="has the name of an installed package"):
        copy_source(source, tmp_path, tmp_path / SITE)
    (tmp_path / SITE / taken).unlink()
    if "/" in taken:
        (tmp_path / SITE / taken).parent.rmdir()
    assert copy_source(source, tmp_path, tmp_path / SITE).name == "legs"


def test_a_module_that_was_removed_while_building(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"gone\.py cannot be copied: No such file") as caught:
        copy_source(SourceTree("gone.py", is_package=False, files=("",)), tmp_path, tmp_path / SITE)
    assert "run the same command again" in str(caught.value)


@needs_modes
def test_a_package_s_hash_depends_on_its_executable_files(tmp_path: Path) -> None:
    put(tmp_path, "hop/__main__.py")
    source = SourceTree("hop", is_package=True, files=("__main__.py",))
    plain = copy_source(source, tmp_path, tmp_path / "one")
    executable = replace(source, executable=frozenset({"__main__.py"}))
    assert copy_source(executable, tmp_path, tmp_path / "two").hash != plain.hash
    (tmp_path / "hop/__main__.py").chmod(0o755)  # what counts is what was read with the specification
    assert copy_source(source, tmp_path, tmp_path / "three").hash == plain.hash


@pytest.mark.parametrize("names", [("python.exe", "pythonw.exe"), ("venvlauncher.exe", "venvwlauncher.exe")])
def test_a_windows_environment_gets_the_launchers_of_its_python(tmp_path: Path, names: tuple[str, str]) -> None:
    runtime = tmp_path / "py"
    put(runtime, "python.exe", *(f"Lib/venv/scripts/nt/{name}" for name in names))
    (tmp_path / "app/Scripts").mkdir(parents=True)
    assert place_windows_launchers(runtime, tmp_path / "app")
    found = {path.name: path.read_text() for path in (tmp_path / "app/Scripts").iterdir()}
    assert found == dict(
        zip(("python.exe", "pythonw.exe"), (f"Lib/venv/scripts/nt/{name}" for name in names), strict=True)
    )
    for name in names:
        (runtime / "Lib/venv/scripts/nt" / name).unlink()
    assert not place_windows_launchers(runtime, tmp_path / "other")
