from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.capabilities import needs_modes, needs_symbolic_links
from tests.support.packed_pythons import wanted_python
from venvstacks.runtimes.installed_pythons import Installation, candidates, mismatch, of_version_tools, on_path


def program(path: Path, content: bytes = b"\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_likely_files_come_first_and_impossible_ones_never(tmp_path: Path) -> None:
    script = program(tmp_path / "shims/python3.11", b"#!/bin/sh\n")
    other = program(tmp_path / "versions/3.11.70/bin/python3.11")
    right = program(tmp_path / "versions/3.11.7/bin/python3.11")
    unversioned = program(tmp_path / "bin/python")
    newer = program(tmp_path / "versions/3.12.1/bin/python3.12")
    found = candidates([script, other, unversioned, newer, right, tmp_path / "gone"], "3.11.7")
    assert found == [right, other, unversioned, script]


@needs_symbolic_links
def test_links_to_one_file_are_one_candidate(tmp_path: Path) -> None:
    real = program(tmp_path / "bin/python3.11")
    links = [tmp_path / "bin/python", tmp_path / "bin/python3"]
    for link in links:
        link.symlink_to(real.name)
    assert candidates([*links, real], "3.11.7") == [links[0]]


@needs_modes
def test_version_tools_are_found_by_their_variables(tmp_path: Path) -> None:
    pyenv = program(tmp_path / "pyenv/versions/3.11.7/bin/python3.11")
    asdf = program(tmp_path / "asdf/installs/python/3.11.8/bin/python3.11")
    uv = program(tmp_path / "home/.local/share/uv/python/cpython-3.11.9/bin/python3")
    environment = {
        "HOME": str(tmp_path / "home"),
        "PYENV_ROOT": str(tmp_path / "pyenv"),
        "ASDF_DATA_DIR": str(tmp_path / "asdf"),
    }
    assert [*of_version_tools(environment)] == [pyenv, asdf, uv]
    assert [*of_version_tools({})] == []


@needs_modes
def test_path_is_the_given_one_and_shims_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/of/this/process")
    program(tmp_path / "pyenv/shims/python3.11", b"#!/usr/bin/env bash\n")
    script = program(tmp_path / "own/python3", b"#!/bin/sh\n")
    found = program(tmp_path / "bin/python3.11")
    program(tmp_path / "bin/ls")
    folders = [tmp_path / "pyenv/shims", tmp_path / "own", tmp_path / "bin", tmp_path / "missing"]
    environment = {"PYENV_ROOT": str(tmp_path / "pyenv"), "PATH": ":".join(map(str, folders))}
    assert [*on_path(environment)] == [script, found]


LIB64 = Path("/opt/py/lib64/python3.11")
USUAL = {
    "version": "3.11.7",
    "variant": "",
    "system": "linux",
    "machine": "x86_64",
    "prefix": Path("/opt/py"),
    "executable": Path("/opt/py/bin/python3.11"),
    "library": Path("/opt/py/lib/python3.11"),
    "libpython": None,
}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"version": "3.11.8"}, "version 3.11.8"),
        ({"variant": "t"}, "a special build ('t') of 3.11.7"),
        ({"variant": "candidate"}, "a special build ('candidate') of 3.11.7"),
        ({"machine": "aarch64"}, "for linux_aarch64"),
        ({"machine": "riscv64"}, "for riscv64"),
        (
            {"library": LIB64},
            f"arranged unusually: its standard library is {LIB64}",
        ),
    ],
)
def test_only_exactly_what_is_wanted_is_taken(change: dict[str, object], fault: str | None) -> None:
    found = mismatch(Installation(**(USUAL | change)), wanted_python())  # type: ignore[arg-type]
    assert found is None if fault is None else str(found).startswith(fault)
