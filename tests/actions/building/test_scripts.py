"""What becomes of the files in an environment's folder of executables."""

from __future__ import annotations

import base64
import csv
import hashlib
import zipfile
from pathlib import Path

import pytest

from tests.support.abilities import keeps_modes
from tests.support.locked_layers import framework, runtime
from venvstacks.actions.building.declared_scripts import declared_scripts
from venvstacks.actions.building.scripts import ScriptsRequest, settle_scripts
from venvstacks.linking.launchers import names_python_in, split_shebang
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.platforms import PLATFORMS, TargetPlatform
from venvstacks.tools.files import write_atomically

ENTRY_POINTS = "[console_scripts]\npond = pond.cli:main\n[gui_scripts]\nlily = pond:Lily.open\n"
PYTHONS = frozenset({"python", "python3.11", "python.exe"})


def layout(platform: TargetPlatform) -> EnvironmentLayout:
    return EnvironmentLayout.of(framework("x", [], runtime()), platform)


def install(environment: Path, platform: TargetPlatform, files: dict[str, bytes]) -> Path:
    """An environment with one distribution whose RECORD lists `files` in the folder of executables; that RECORD."""
    folder = "Scripts" if platform.is_windows else "bin"
    site = environment / layout(platform).site_dir
    up = "../.." if platform.is_windows else "../../.."
    for name, content in {**files, "python": b"", "activate": b"VIRTUAL_ENV=/here"}.items():
        write_atomically(environment / folder / name, content)
    rows = [f"{up}/{folder}/{name},sha256=x,1" for name in files]
    write_atomically(site / "pond-1.dist-info/RECORD", "\n".join([*rows, "pond.py,sha256=y,2", ""]))
    write_atomically(site / "pond-1.dist-info/entry_points.txt", ENTRY_POINTS)
    return site / "pond-1.dist-info/RECORD"


def request(environment: Path, platform: TargetPlatform, *, launchers: bool = True) -> ScriptsRequest:
    return ScriptsRequest(environment, layout(platform), platform, PYTHONS, launchers)


LINUX, WINDOWS = PLATFORMS["linux_x86_64"], PLATFORMS["win_amd64"]


def linux_files(environment: Path) -> dict[str, bytes]:
    python = f"{environment.as_posix()}/bin/python3.11"
    return {
        "pond": f"#!{python}\nimport x\n".encode(),
        "lily": f"#!/bin/sh\n'''exec' '{python}' \"$0\" \"$@\"\n' '''\nimport x\n".encode(),
        "hop": f"#!{python} -s\nprint(1)\n".encode(),
        "system": b"#!/usr/bin/env python3\nprint(2)\n",
        "native": b"\x7fELF\0\0\n",
    }


def test_scripts_become_launchers_and_records_say_so(tmp_path: Path) -> None:
    record = install(tmp_path, LINUX, linux_files(tmp_path))
    settle_scripts(request(tmp_path, LINUX))
    contents = {path.name: path.read_bytes() for path in (tmp_path / "bin").iterdir()}
    assert contents.keys() == {"python", "pond", "lily", "hop", "system", "native"}
    assert b"from pond.cli import main" in contents["pond"]
    assert b"from pond import Lily" in contents["lily"]
    assert b"sys.exit(Lily.open())" in contents["lily"]
    assert contents["hop"].startswith(b"#!/bin/sh\n'''':\n")
    assert contents["hop"].endswith(b"'''\nprint(1)\n")
    assert contents["system"] == b"#!/usr/bin/env python3\nprint(2)\n"
    assert not any(str(tmp_path).encode() in content for content in contents.values())
    for path, digest, size in csv.reader(record.read_text("utf-8").splitlines()):
        content = contents.get(Path(path).name, b"")
        if Path(path).name in {"pond", "lily", "hop"}:
            expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={expected}", str(len(content)))
    if keeps_modes():
        assert all((tmp_path / "bin" / name).stat().st_mode & 0o777 == 0o755 for name in ("pond", "lily", "hop"))


def test_without_launchers_scripts_go_and_programs_stay(tmp_path: Path) -> None:
    record = install(tmp_path, LINUX, linux_files(tmp_path))
    settle_scripts(request(tmp_path, LINUX, launchers=False))
    assert {path.name for path in (tmp_path / "bin").iterdir()} == {"python", "system", "native"}
    assert record.read_text("utf-8").splitlines() == [
        "../../../bin/system,sha256=x,1", "../../../bin/native,sha256=x,1", "pond.py,sha256=y,2"
    ]  # fmt: skip


def test_pip_gets_a_script_with_the_version_of_its_python(tmp_path: Path) -> None:
    place = tmp_path / "entry_points.txt"
    write_atomically(place, "[console_scripts]\npip = a:b\npip3 = a:b\npip3.9 = a:b\nx3.9 = a:b\n")
    assert {*declared_scripts(tmp_path, "3.11")} == {"pip", "pip3", "pip3.11", "x3.9"}
    write_atomically(place, "[console_scripts]\npip = a:b\npip3.9 = a:b\n")
    assert {*declared_scripts(tmp_path, "3.11")} == {"pip"}


@pytest.mark.parametrize(("name", "python"), [("pond.exe", b"python.exe"), ("lily.exe", b"pythonw.exe")])
def test_launchers_for_windows_name_the_python_in_their_folder(tmp_path: Path, name: str, python: bytes) -> None:
    install(tmp_path, WINDOWS, {name: b"MZ"})
    settle_scripts(request(tmp_path, WINDOWS))
    content = (tmp_path / "Scripts" / name).read_bytes()
    assert content.startswith(b"MZ")
    assert b'#!"<launcher_dir>\\' + python + b'"\r\n' in content
    with zipfile.ZipFile(tmp_path / "Scripts" / name) as archive:
        code = archive.read("__main__.py").decode()
    compile(code, name, "exec")
    assert "from pond" in code


def test_the_same_launcher_is_made_at_any_time_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, system in (("one", "linux"), ("other", "win32")):
        install(tmp_path / name, WINDOWS, {"pond.exe": b"MZ"})
        monkeypatch.setattr("sys.platform", system)  # zip archives name the system that they are made on
        settle_scripts(request(tmp_path / name, WINDOWS))
    contents = [(tmp_path / name / "Scripts/pond.exe").read_bytes() for name in ("one", "other")]
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("content", "command"),
    [
        (b"#!/x/bin/python -s\nrest", "/x/bin/python -s"),
        (b"#!python\nrest", "python"),
        (b"#!/bin/sh\n'''exec' '/x y/bin/python' \"$0\" \"$@\"\n' '''\nrest", "/x y/bin/python"),
        (b"\x7fELF", None),
        (b"", None),
    ],
)
def test_shebangs_of_all_kinds(content: bytes, command: str | None) -> None:
    found = split_shebang(content)
    assert found == (None if command is None else (command, b"rest"))


def test_whose_python_a_command_is() -> None:
    assert names_python_in("/x/bin/python3.11 -s", "/x/bin")
    assert names_python_in("pythonw", "/x/bin")
    assert not names_python_in("/usr/bin/python3", "/x/bin")
    assert not names_python_in("/usr/bin/env python3", "/x/bin")
