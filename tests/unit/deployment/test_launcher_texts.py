from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from venvstacks.deployment.launcher_texts import StartedApplication, is_launcher_of, launcher_text, start_text

FROG = StartedApplication(
    "frog", "store/1f", "app-frog/Scripts/python.exe", "py/python.exe", ("app-frog",), ("-P", "-m", "frog")
)
OLD = ("-c", "import sys; del sys.path[0]; import runpy; runpy._run_module_as_main('frog')")


def test_on_windows_the_pointer_is_read_at_each_start() -> None:
    text = launcher_text("frog", PureWindowsPath(r"C:\my apps\50% off"), windows=True)
    assert text.split("\r\n") == [
        "@echo off",
        r"rem venvstacks launcher of C:\my apps\50%% off",
        (
            r'for /f "usebackq delims=" %%g in ("C:\my apps\50%% off\current") '
            r'do "C:\my apps\50%% off\%%g\start\frog.cmd" %*'
        ),
        (
            r"echo frog is not installed in C:\my apps\50%% off; "
            "if that folder was moved, deploy again with --launchers 1>&2"
        ),
        "exit /b 127",
        "",
    ]


def test_letters_beyond_ascii_need_another_code_page() -> None:
    assert "chcp 65001 >nul\r\n" in launcher_text("frog", PureWindowsPath("C:\\Kröte"), windows=True)
    assert "chcp 65001 >nul\r\n" in launcher_text("krötchen", PureWindowsPath("C:\\d"), windows=True)


@pytest.mark.parametrize(("options", "written"), [(FROG.options, "-P -m frog"), (OLD, f'-c "{OLD[1]}"')])
def test_a_generation_starts_the_python_in_the_store(options: tuple[str, ...], written: str) -> None:
    text = start_text(replace(FROG, options=options), windows=True)
    lines = text.split("\r\n")
    assert lines[2:4] == ["set PYTHONPATH=", "set PYTHONHOME="]
    assert lines[4] == rf'"%~dp0..\..\..\store\1f\app-frog\Scripts\python.exe" {written} %*'


@pytest.mark.parametrize(
    ("root", "windows"),
    [
        (PurePosixPath("/my apps/50% 🐸"), False),
        (PureWindowsPath(r"C:\my apps\50% 🐸"), True),
        (PurePosixPath("/d "), False),
    ],
)
def test_launchers_are_known_by_their_deployment(root: PurePosixPath | PureWindowsPath, windows: bool) -> None:  # noqa: FBT001
    text = launcher_text("frog", root, windows=windows)
    assert is_launcher_of(text, root)
    assert not is_launcher_of(text, root / "other")
    assert not is_launcher_of(text, root.parent)
    assert not is_launcher_of("#!/bin/sh\n", root)
