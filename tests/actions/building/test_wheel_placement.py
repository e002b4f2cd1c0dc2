"""Where wheels' files go, whatever the order in which wheels come, and what wheels may not do."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.abilities import keeps_modes
from tests.support.capabilities import needs_symbolic_links
from tests.support.folded_names import fold_names
from tests.support.handmade_wheels import make_wheel
from tests.support.locked_layers import framework, runtime
from venvstacks.actions.building.environment_tree import install_wheels
from venvstacks.actions.building.wheel_placement import Placement, Scheme, place_wheels
from venvstacks.actions.building.wheel_store import UnpackedWheel, scan_wheel
from venvstacks.digests import TreeEntry, scan_tree, sha256_bytes
from venvstacks.errors import BuildError
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import PLATFORMS, PythonImplementation

BASE = runtime()
LINUX = PLATFORMS["linux_x86_64"]
LAYERED = Scheme(EnvironmentLayout.of(framework("x", [], BASE), LINUX), is_runtime=False)
OWN = Scheme(EnvironmentLayout.of(BASE, LINUX), is_runtime=True)
SITE = "lib/python3.11/site-packages"
PYTHON = (TreeEntry("lib/python3.11/os.py", 2, sha256=sha256_bytes(b"os")),)


def unpacked(
    folder: Path, name: str, files: Mapping[str, bytes], executables: tuple[str, ...] = (), record: bytes | None = None
) -> UnpackedWheel:
    wheel = make_wheel(folder / "wheels", name, "1.0", files=files, executables=executables)
    tree = folder / "unpacked" / name
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tree)
    for path in executables:
        (tree / path).chmod(0o755)
    if record is not None:
        (tree / f"{name}-1.0.dist-info/RECORD").write_bytes(record)
    return UnpackedWheel(name, "1.0", tree, scan_tree(tree))


def test_folders_that_a_file_system_makes_one_lose_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path / "wheels", "frog", "1.0", files={"terms/E/a": b"1", "terms/e/b": b"2"})
    tree = fold_names(tmp_path / "tree", monkeypatch)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tree)
    placement = place_wheels([UnpackedWheel("frog", "1.0", tree, scan_wheel(tree))], LAYERED, PYTHON)
    assert placement.warnings == []
    assert places(placement) == {f"{SITE}/terms/E/a", f"{SITE}/terms/e/b"}
    install_wheels(placement, tmp_path / "tree/environment", SITE)
    assert (tmp_path / "tree/environment" / SITE / "terms/e/b").read_bytes() == b"2"


@pytest.mark.parametrize(("platform", "place"), [("linux_x86_64", "bin/pip3.11"), ("win_amd64", "Scripts/pip3.11.exe")])
def test_scripts_are_named_as_installers_name_them(platform: str, place: str, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", "pip", "1.0", entry_points={"pip3": "pip:main"})
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "tree")
    scheme = Scheme(EnvironmentLayout.of(framework("x", [], BASE), PLATFORMS[platform]), is_runtime=False)
    placement = place_wheels(
        [UnpackedWheel("pip", "1.0", tmp_path / "tree", scan_wheel(tmp_path / "tree"))], scheme, ()
    )
    assert place in placement.entry_points
    assert any(place in paths for paths in placement.records.values())


@pytest.mark.parametrize("name", ["python-grpc-tools-protoc", "pypyr", "pythonic", "python3-lint", "py"])
def test_names_that_begin_like_pythons_are_names_of_scripts(name: str, tmp_path: Path) -> None:
    files = {f"frog-1.0.data/scripts/{name}-native": b"\x7fELF"}
    wheel = make_wheel(tmp_path, "frog", "1.0", files=files, entry_points={name: "frog:main"})
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "tree")
    placement = place_wheels(
        [UnpackedWheel("frog", "1.0", tmp_path / "tree", scan_wheel(tmp_path / "tree"))], LAYERED, PYTHON
    )
    assert placement.entry_points == {f"bin/{name}"}
    assert f"bin/{name}-native" in placement.files


@pytest.mark.parametrize("name", ["python", "Python3", "python3.11", "python3.13t", "pythonw", "python_", "pypy3.10"])
def test_a_script_is_not_called_like_an_interpreter(name: str, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "frog", "1.0", entry_points={name: "frog:main"})
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "tree")
    frog = UnpackedWheel("frog", "1.0", tmp_path / "tree", scan_wheel(tmp_path / "tree"))
    assert place_wheels([frog], LAYERED, PYTHON).entry_points == set()


def places(placement: Placement) -> set[str]:
    return {path for path in placement.files if ".dist-info/" not in path}


def test_each_part_has_its_place(tmp_path: Path) -> None:
    native = b"\x7fELF"
    files = {
        "frog/__init__.py": b"",
        "frog/__pycache__/x.cpython-311.pyc": b"",
        "frog-1.0.data/purelib/pure.py": b"",
        "frog-1.0.data/platlib/plat.so": b"",
        "frog-1.0.data/data/share/frog/x.txt": b"",
        "frog-1.0.data/headers/frog.h": b"",
        "frog-1.0.data/scripts/hop": b"#!python\nimport frog\n",
        "frog-1.0.data/scripts/native": native,
        "frog-1.0.data/scripts/shell": b"#!/bin/sh\n",
    }
    wheel = unpacked(tmp_path, "frog", files)
    common = {f"{SITE}/frog/__init__.py", f"{SITE}/pure.py", f"{SITE}/plat.so", "share/frog/x.txt",
              "bin/native", "bin/shell", "bin/hop"}  # fmt: skip
    placement = place_wheels([wheel], LAYERED, ())
    assert places(placement) == common | {"include/site/python3.11/frog/frog.h"}
    assert places(place_wheels([wheel], OWN, PYTHON)) == common | {"include/python3.11/frog/frog.h"}
    assert placement.warnings == []
    install_wheels(placement, tmp_path / "env", SITE)
    if keeps_modes():
        executable = {entry.path for entry in scan_tree(tmp_path / "env") if entry.executable}
        assert executable == {"bin/hop", "bin/native", "bin/shell"}
    record = (tmp_path / "env" / SITE / "frog-1.0.dist-info/RECORD").read_text("utf-8").splitlines()
    assert sorted(record) == record
    assert {row.partition(",")[0] for row in record} >= {"../../../bin/native", "frog/__init__.py", "pure.py"}
    assert not [row for row in record if "__pycache__" in row]


def test_headers_are_where_uv_puts_them(tmp_path: Path) -> None:
    wheel = unpacked(tmp_path, "frog-pond", {"frog_pond-1.0.data/headers/frog.h": b""})
    assert places(place_wheels([wheel], LAYERED, ())) == {"include/site/python3.11/frog-pond/frog.h"}


@pytest.mark.parametrize("is_runtime", [True, False])
def test_headers_of_windows_are_where_its_records_say(tmp_path: Path, *, is_runtime: bool) -> None:
    platform, python = PLATFORMS["win_amd64"], PythonImplementation("cpython", "3.11.7")
    scheme = Scheme(EnvironmentLayout.of_python(python, platform, is_runtime=is_runtime), is_runtime)
    wheel = unpacked(tmp_path, "frog-pond", {"frog_pond-1.0.data/headers/frog.h": b""})
    placement = place_wheels([wheel], scheme, ())
    assert places(placement) == {"Include/frog-pond/frog.h"}
    install_wheels(placement, tmp_path / "env", "Lib/site-packages")
    record = (tmp_path / "env/Lib/site-packages/frog_pond-1.0.dist-info/RECORD").read_text("utf-8")
    assert "../../Include/frog-pond/frog.h," in record


def test_the_same_of_two_wheels_is_fine_and_different_files_are_settled_by_name(tmp_path: Path) -> None:
    wheels = [
        unpacked(
            tmp_path,
            name,
            {f"{name}.py": b"", "LICENSE": name.encode(), "same.txt": b"", "tests/test_x.py": name.encode()},
        )
        for name in ("newt", "frog", "toad")
    ]  # fmt: skip
    results = []
    for number, order in enumerate(itertools.permutations(wheels)):
        placement = place_wheels(order, LAYERED, ())
        install_wheels(placement, tmp_path / f"env{number}", SITE)
        results.append((scan_tree(tmp_path / f"env{number}"), placement.warnings))
    assert all(result == results[0] for result in results)
    assert (tmp_path / "env3" / SITE / "LICENSE").read_bytes() == b"frog"
    warnings = results[0][1]
    assert (
        f"the wheels of frog 1.0 and newt 1.0 bring different files {SITE}/LICENSE; that of frog 1.0 is kept"
        in warnings
    )
    assert len(warnings) == 4, "two paths, two wheels that lose each"


def test_different_modules_of_one_name_are_refused(tmp_path: Path) -> None:
    one = unpacked(tmp_path, "opencv", {"cv2/__init__.py": b"gui = 1\n"})
    other = unpacked(tmp_path, "opencv-headless".replace("-", "_"), {"cv2/__init__.py": b"gui = 0\n"})
    with pytest.raises(BuildError, match=r"opencv 1\.0 and opencv_headless 1\.0 bring different modules") as caught:
        place_wheels([other, one], LAYERED, ())
    assert "exclude" in str(caught.value.hint)


@pytest.mark.parametrize("same", [True, False])
def test_paths_that_some_file_system_takes_for_one_are_settled_too(tmp_path: Path, *, same: bool) -> None:
    """Both would be refused when they are published; where names are folded, one would replace the other."""
    frog = unpacked(tmp_path, "frog", {"frog.py": b"", "LICENSE": b"a", "tests/Test.py": b"1", "data/\u00c4.txt": b"1"})
    newt = {"newt.py": b"", "license": b"a" if same else b"b", "tests/test.py": b"2", "data/A\u0308.txt": b"2"}
    wheels = [frog, unpacked(tmp_path, "newt", newt)]
    placement = place_wheels(wheels, LAYERED, ())
    assert places(placement) == {
        f"{SITE}/{path}" for path in ("frog.py", "newt.py", "LICENSE", "tests/Test.py", "data/\u00c4.txt")
    }
    assert (
        f"the wheels of frog 1.0 and newt 1.0 bring different files {SITE}/LICENSE and {SITE}/license, which are the "
        "same on some file systems; that of frog 1.0 is kept"
    ) in placement.warnings
    assert len(placement.warnings) == 3
    install_wheels(placement, tmp_path / "env", SITE)
    record = (tmp_path / "env" / SITE / "newt-1.0.dist-info/RECORD").read_text("utf-8")
    assert "license" not in record
    assert "newt.py" in record


def test_modules_that_some_file_system_takes_for_one_are_refused(tmp_path: Path) -> None:
    one = unpacked(tmp_path, "pycrypto", {"Crypto/hash.py": b"1"})
    other = unpacked(tmp_path, "naked", {"crypto/hash.py": b"1"})
    with pytest.raises(BuildError, match="the same on some file systems") as caught:
        place_wheels([other, one], LAYERED, ())
    assert "exclude" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"", b"# namespace\n"),
        (b"__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n", b""),
        (b"__import__('pkg_resources').declare_namespace(__name__)\n",
         b"from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"),
    ],
)  # fmt: skip
def test_namespace_packages_may_differ(tmp_path: Path, one: bytes, other: bytes) -> None:
    wheels = [
        unpacked(tmp_path, "space_a", {"space/__init__.py": one, "space/a.py": b""}),
        unpacked(tmp_path, "space_b", {"space/__init__.py": other, "space/b.py": b""}),
    ]
    placement = place_wheels(wheels, LAYERED, ())
    assert len(placement.warnings) == 1
    assert placement.files[f"{SITE}/space/__init__.py"].wheel == "space_a 1.0"


@pytest.mark.parametrize(
    "path",
    ["frog-1.0.data/data/lib/python3.11/os.py", "frog-1.0.data/data/lib/python3.11/OS.py",
     "frog-1.0.data/scripts/python3.11", "frog-1.0.data/scripts/python3.13t", "frog-1.0.data/data/bin/python",
     "frog-1.0.data/data/bin/Python_"],
)  # fmt: skip
def test_python_itself_is_not_replaced(tmp_path: Path, path: str) -> None:
    wheel = unpacked(tmp_path, "frog", {"frog.py": b"", path: b"evil"})
    with pytest.raises(BuildError, match=r"the wheel of frog 1\.0 would replace"):
        place_wheels([wheel], OWN, PYTHON)


@pytest.mark.parametrize("name", ["python.exe", "pythonw.exe", "python_d.exe", "Python311.dll", "python3._pth"])
def test_python_for_windows_is_not_replaced(tmp_path: Path, name: str) -> None:
    wheel = unpacked(tmp_path, "frog", {"frog.py": b"", f"frog-1.0.data/data/{name}": b"evil"})
    scheme = Scheme(EnvironmentLayout.of(BASE, PLATFORMS["win_amd64"]), is_runtime=True)
    with pytest.raises(BuildError, match=r"the wheel of frog 1\.0 would replace"):
        place_wheels([wheel], scheme, PYTHON)


def test_what_is_never_shipped_is_not_installed_either(tmp_path: Path) -> None:
    files = {"frog.py": b"", "frog-1.0.data/data/pyvenv.cfg": b"home = /evil\n", "frog-1.0.data/data/.hidden/x": b""}
    assert places(place_wheels([unpacked(tmp_path, "frog", files)], OWN, PYTHON)) == {f"{SITE}/frog.py"}


@needs_symbolic_links
def test_an_unknown_part_and_a_link_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="unknown place"):
        place_wheels([unpacked(tmp_path, "frog", {"frog-1.0.data/attic/x": b""})], LAYERED, ())
    wheel = unpacked(tmp_path, "newt", {"newt.py": b"", "link": b""})
    (wheel.tree / "link").unlink()
    (wheel.tree / "link").symlink_to("/etc/passwd")
    with pytest.raises(BuildError, match="symbolic link"):
        place_wheels([UnpackedWheel("newt", "1.0", wheel.tree, scan_tree(wheel.tree))], LAYERED, ())


def test_what_record_does_not_list_is_not_installed_and_what_is_absent_is_reported(tmp_path: Path) -> None:
    rows = ("frog.py", "gone.py", *(f"frog-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD")))
    record = "".join(f"{row},,\n" for row in rows).encode()
    placement = place_wheels(
        [unpacked(tmp_path, "frog", {"frog.py": b"", "evil.pth": b""}, record=record)], LAYERED, ()
    )
    assert places(placement) == {f"{SITE}/frog.py"}
    assert placement.warnings == [
        "the wheel of frog 1.0 does not list evil.pth, which is not installed",
        "the wheel of frog 1.0 lists gone.py, which it does not hold",
    ]


def test_a_digest_in_record_is_that_of_the_file_whatever_the_wheel_claims(tmp_path: Path) -> None:
    record = b"frog.py,sha256=lie,1\nfrog-1.0.dist-info/RECORD,,\n"
    placement = place_wheels([unpacked(tmp_path, "frog", {"frog.py": b"x"}, record=record)], LAYERED, ())
    install_wheels(placement, tmp_path / "env", SITE)
    text = (tmp_path / "env" / SITE / "frog-1.0.dist-info/RECORD").read_text("utf-8")
    assert "frog.py,sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE,1" in text


def test_on_windows_files_go_into_folders_that_exist_under_another_spelling(tmp_path: Path) -> None:
    files = {
        "frog/__init__.py": b"",
        "frog-1.0.data/data/lib/frog/x.txt": b"",
        "frog-1.0.data/data/share/x.txt": b"",
        "frog-1.0.data/headers/frog.h": b"",
        "frog-1.0.data/scripts/hop.cmd": b"echo",
    }
    wheel = unpacked(tmp_path, "frog", files, executables=("frog/__init__.py",))
    layered = Scheme(EnvironmentLayout.of(framework("x", [], BASE), PLATFORMS["win_amd64"]), is_runtime=False)
    own = Scheme(EnvironmentLayout.of(BASE, PLATFORMS["win_amd64"]), is_runtime=True)
    common = {"Lib/site-packages/frog/__init__.py", "Lib/frog/x.txt", "share/x.txt", "Scripts/hop.cmd"}
    placement = place_wheels([wheel], layered, ())
    assert places(placement) == common | {"Include/frog/frog.h"}
    python = [TreeEntry("include/Python.h", 1, sha256="0"), TreeEntry("Lib/os.py", 1, sha256="0")]
    assert places(place_wheels([wheel], own, python)) == common | {"include/frog/frog.h"}
    install_wheels(placement, tmp_path / "environment", "Lib/site-packages")
    entries = scan_tree(tmp_path / "environment")
    assert [entry.path for entry in entries if entry.executable] == []
    if keeps_modes():
        assert (wheel.tree / "frog/__init__.py").stat().st_mode & 0o100
