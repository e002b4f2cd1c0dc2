"""Bytecode in exports and archives of a whole stack, and what exports share with what they were made from."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sample_stack import BUILT, Pond, ran
from venvstacks.digests import scan_tree

SITE = "lib/python3.11/site-packages"


def switch(pond: Pond, mode: str) -> None:
    pond.edit("[tool.venvstacks]\n", f'[tool.venvstacks]\nbytecode = "{mode}"\n')


def bytecode(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.pyc"))


def runs(python: Path, *arguments: str) -> dict[str, object]:
    done = subprocess.run([python, "-m", "hop", *arguments], capture_output=True, text=True, check=True)
    said: dict[str, object] = json.loads(done.stdout)
    return said


def test_an_export_has_all_of_its_bytecode_and_starts_without_writing_more(pond: Pond) -> None:
    ran(pond.run("build", "export"))
    export = pond.base / "_export"
    before = {path: path.stat().st_mtime_ns for path in bytecode(export)}
    sources = list((export / "py/lib/python3.11").glob("*.py"))
    assert all((path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc") in before for path in sources)
    assert len(sources) > 100
    assert runs(export / "app-newt/bin/python", "hop")["args"] == ["hop"]
    after = {path: path.stat().st_mtime_ns for path in bytecode(export)}
    assert after.keys() - before.keys() <= {path for path in after if path.name.startswith("_venvstacks_layers.")}
    assert {path: after[path] for path in before} == before


def test_bytecode_is_not_compiled_twice(pond: Pond, tmp_path: Path) -> None:
    ran(pond.run("build", "export"))
    cache = pond.cache / "bytecode"

    def state() -> dict[Path, object]:
        """When files of the cache were written; the content of those whose time is that of their last use."""
        files = [path for path in cache.rglob("*") if path.is_file()]
        return {path: path.read_bytes() if "imports" in path.parts else path.stat().st_mtime_ns for path in files}

    kept = state()
    other = pond.copy(tmp_path / "elsewhere")
    ran(other.run("build", "export"))
    assert state() == kept
    here, there = pond.base / "_export", other.base / "_export"
    assert {path.relative_to(here) for path in bytecode(here)} == {path.relative_to(there) for path in bytecode(there)}


def test_bytecode_may_be_left_to_the_first_import(pond: Pond) -> None:
    switch(pond, "none")
    ran(pond.run("build", "export"))
    assert bytecode(pond.base / "_export") == []
    config = json.loads((pond.base / "_export/py/share/venv/metadata/venvstacks_layer.json").read_bytes())
    assert config["bytecode"] == "none"
    python = pond.base / "_export/py/bin/python"
    subprocess.run([python, "-I", "-B", pond.base / "_export/py/postinstall.py"], check=True)
    assert bytecode(pond.base / "_export") == []
    assert runs(pond.base / "_export/app-newt/bin/python")["legs"]


@pytest.fixture(scope="module")
def shipped(locked_pond: Pond, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pond, Pond]]:
    """The stack with its bytecode, published at two places, the second time with nothing in the cache."""
    first = locked_pond.copy(tmp_path_factory.mktemp("shipped") / "here")
    second = locked_pond.copy(tmp_path_factory.mktemp("shipped") / "over" / "there")
    for pond in (first, second):
        switch(pond, "shipped")
    ran(first.run("build", "publish", "export"))
    kept = first.cache / "bytecode"
    aside = kept.with_name("aside")
    kept.rename(aside)
    ran(second.run("build", "publish", options={"jobs": 1}))
    yield first, second
    assert bytecode(aside) == []


def test_shipped_bytecode_is_the_same_wherever_it_was_compiled(shipped: tuple[Pond, Pond]) -> None:
    first, second = shipped
    for name in BUILT:
        one, other = first.metadata(name), second.metadata(name)
        assert one["archive_hashes"] == other["archive_hashes"]
        assert one["venvstacks"]["content_digest"] == other["venvstacks"]["content_digest"]


def test_shipped_bytecode_is_part_of_the_published_tree(shipped: tuple[Pond, Pond], tmp_path: Path) -> None:
    pond, _ = shipped
    for name in BUILT:
        archive = pond.base / "_artifacts" / f"{name}.tar.zst"
        subprocess.run(["tar", "--zstd", "-xf", archive, "-C", tmp_path], check=True)
    files = bytecode(tmp_path / "py") + bytecode(tmp_path / "app-newt")
    assert len(files) > 200
    for path in files:
        content = path.read_bytes()
        assert content[4:8] == b"\x01\0\0\0", "hash-based and unchecked (PEP 552)"
        assert os.fsencode(pond.base) not in content
    before = scan_tree(tmp_path)
    for name in BUILT:
        subprocess.run(["python3", "-I", "-B", tmp_path / name / "postinstall.py"], check=True)
    written = {entry.path for entry in scan_tree(tmp_path)} - {entry.path for entry in before}
    borrowed = {"lily", "pond", "libfrog.so"}  # links of the overlay to programs and a library of layers below
    assert {path.rpartition("/")[2] for path in written} == {"pyvenv.cfg", *borrowed}
    assert runs(tmp_path / "app-newt/bin/python", "hop")["says"] == "🐸🦎"
    assert set(before) <= set(scan_tree(tmp_path)), "nothing that was shipped is written again"


def test_shipped_bytecode_is_in_exports_too(shipped: tuple[Pond, Pond]) -> None:
    pond, _ = shipped
    path = f"{SITE}/__pycache__/legs.cpython-311.pyc"
    exported = pond.base / "_export/app-newt" / path
    assert exported.read_bytes() == (pond.base / "_build/app-newt" / path).read_bytes()


def damage_everything(folder: Path) -> int:
    """Write into all files in place, as careless programs do."""
    count = 0
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("r+b") as stream:
                stream.write(b"damaged in place")
            count += 1
    return count


def test_nothing_done_inside_an_export_changes_anything_else(pond: Pond) -> None:
    ran(pond.run("build", "export"))
    others = (pond.base / "_build", pond.cache, pond.uv_cache)
    before = [scan_tree(folder) for folder in others]
    assert damage_everything(pond.base / "_export") > 1000
    assert [scan_tree(folder) for folder in others] == before
    ran(pond.run("export", force=True))
    assert runs(pond.base / "_export/app-newt/bin/python")["legs"]


def test_no_later_build_changes_an_export(pond: Pond) -> None:
    ran(pond.run("build", "export"))
    before = scan_tree(pond.base / "_export")
    pond.edit("import json, sys", "import json, sys  # changed", "launch/hop/__main__.py")
    ran(pond.run("build", clean=True))
    damage_everything(pond.base / "_build/app-newt")
    assert scan_tree(pond.base / "_export") == before


def test_exports_may_be_hard_linked(pond: Pond) -> None:
    ran(pond.run("build", "export", options={"link_mode": "hardlink"}))
    exported, built = (pond.base / folder / "py/lib/python3.11/os.py" for folder in ("_export", "_build"))
    assert exported.samefile(built)
    ran(pond.run("export", options={"link_mode": "copy"}))
    assert not exported.samefile(built)
