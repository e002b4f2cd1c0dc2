from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.capabilities import needs_case, needs_symbolic_links
from tests.support.packed_pythons import LINUX, UNWANTED, WANTED, WINDOWS
from venvstacks.digests import scan_tree
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.platforms import PythonImplementation
from venvstacks.runtimes.relocate import neutralise
from venvstacks.runtimes.runtime_contents import tidy

PYTHON = PythonImplementation("cpython", "3.11.7")
PYPY = PythonImplementation("pypy", "3.11.13")


def grow(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o700 if name.startswith("bin/") else 0o600)
    return root


@needs_symbolic_links
def test_tidying_leaves_exactly_a_runtime(tmp_path: Path) -> None:
    tree = grow(tmp_path, WANTED | UNWANTED)
    tidy(tree, PYTHON, LINUX)
    assert {entry.path for entry in scan_tree(tree)} == {*WANTED, "bin/python", "bin/python3"}
    assert (tree / "bin/python").readlink() == Path("python3.11")
    assert [*(tree / "lib/python3.11/site-packages").iterdir()] == []
    assert (tree / "bin/python3.11").stat().st_mode & 0o777 == 0o755
    assert (tree / "lib/python3.11/os.py").stat().st_mode & 0o777 == 0o644


@needs_case
def test_names_that_differ_in_case_alone_are_thinned_out(tmp_path: Path) -> None:
    twins = {"share/terminfo/2/2621A": b"A", "share/terminfo/2/2621a": b"a", "share/terminfo/E/Eterm": b"E"}
    tree = grow(tmp_path, WANTED | twins | {"share/terminfo/e/eterm": b"e"})
    tidy(tree, PYTHON, LINUX)
    described = {entry.path for entry in scan_tree(tree) if entry.path.startswith("share/terminfo/")}
    assert described - set(WANTED) == {"share/terminfo/2/2621a", "share/terminfo/e/eterm"}


def test_tidying_twice_changes_nothing(tmp_path: Path) -> None:
    tree = grow(tmp_path, WANTED | UNWANTED)
    tidy(tree, PYTHON, LINUX)
    once = scan_tree(tree)
    tidy(tree, PYTHON, LINUX)
    assert scan_tree(tree) == once


def test_windows_has_its_interpreter_at_the_top(tmp_path: Path) -> None:
    tree = grow(tmp_path, {"python.exe": b"MZ", "Lib/os.py": b"", "Lib/test/x.py": b"", "Scripts/pip.exe": b"MZ"})
    (tree / "python.exe").chmod(0o755)
    tidy(tree, PYTHON, WINDOWS)
    assert [entry.path for entry in scan_tree(tree) if entry.executable] == []
    assert {entry.path for entry in scan_tree(tree)} == {"python.exe", "Lib/os.py"}


@needs_symbolic_links
def test_pypy_s_interpreter_gets_its_versioned_name(tmp_path: Path) -> None:
    tree = grow(tmp_path, {"bin/pypy3": b"real", "bin/libpypy3.11-c.so": b"library", "lib/pypy3.11/os.py": b""})
    (tree / "bin/pypy3.11").symlink_to("pypy3")
    (tree / "bin/python").symlink_to("pypy3")
    tidy(tree, PYPY, LINUX)
    assert sorted(path.name for path in (tree / "bin").iterdir()) == [
        "libpypy3.11-c.so",
        "pypy3.11",
        "python",
        "python3",
    ]
    assert (tree / "bin/pypy3.11").read_bytes() == b"real"
    assert (tree / "bin/python").readlink() == Path("pypy3.11")


@pytest.mark.parametrize("missing", ["bin/python3.11", "lib/python3.11/os.py"])
def test_an_incomplete_python_is_refused(missing: str, tmp_path: Path) -> None:
    tree = grow(tmp_path, {name: content for name, content in WANTED.items() if name != missing})
    with pytest.raises(RuntimeUnavailableError, match=f"has no file {missing}"):
        tidy(tree, PYTHON, LINUX)


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match=r"supplied as cpython@3\.11\.8 is version 3\.11\.7"):
        tidy(grow(tmp_path, WANTED), PythonImplementation("cpython", "3.11.8"), LINUX)


@needs_symbolic_links
def test_a_link_out_of_the_runtime_is_refused(tmp_path: Path) -> None:
    tree = grow(tmp_path / "tree", WANTED)
    (tree / "lib/outside").symlink_to("../../elsewhere")
    with pytest.raises(RuntimeUnavailableError, match=r"link lib/outside in cpython@3\.11\.7 leads out"):
        tidy(tree, PYTHON, LINUX)


def test_old_places_are_replaced_in_text_and_in_binaries(tmp_path: Path) -> None:
    old = "/opt/pythons/3.11.7"
    tree = grow(
        tmp_path,
        {
            "text.py": b"prefix = '/opt/pythons/3.11.7'; lib = '/opt/pythons/3.11.7/lib'",
            "binary": b"\x7fELF\0/opt/pythons/3.11.7/lib\0next",
            "near": b"/opt/pythons/3.11.70/lib and /opt/pythons/3.11.7-debug",
        },
    )
    neutralise(tree, {old: "/install"})
    assert (tree / "text.py").read_bytes() == b"prefix = '/install'; lib = '/install/lib'"
    assert (tree / "binary").read_bytes() == b"\x7fELF\0/install/////3.11.7/lib\0next"
    assert (tree / "near").read_bytes() == b"/opt/pythons/3.11.70/lib and /opt/pythons/3.11.7-debug"


def test_a_prefix_that_others_share_is_replaced_in_build_records_only(tmp_path: Path) -> None:
    tree = grow(tmp_path, {"_sysconfigdata__linux.py": b"'/usr/local/lib'", "cgi.py": b"#! /usr/local/bin/python"})
    neutralise(tree, {"/usr/local": "/install"})
    assert (tree / "_sysconfigdata__linux.py").read_bytes() == b"'/install/lib'"
    assert (tree / "cgi.py").read_bytes() == b"#! /usr/local/bin/python"
