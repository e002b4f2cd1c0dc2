"""The wrapper at work: shells, ways of calling it, awkward places, and what it leaves in the environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.linking.conftest import VERSIONED, Layers, call, make_layers
from venvstacks.linking.wrapper import wrapper_text

SHELLS = ["dash", "bash", "bash --posix", "zsh", "busybox sh"]
REPORT = """\
import json, os, sys
print(json.dumps({"executable": sys.executable, "prefix": sys.prefix, "base": sys.base_prefix, "argv": sys.argv,
                  "environment": dict(os.environ)}))
"""
FOLDER = "share/venv/dynlib-path"


def shell_argv(shell: str) -> list[str]:
    name, *options = shell.split()
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}")
    return [str(shutil.which(name)), *options]


@pytest.fixture
def app(layers: Layers) -> Path:
    return wrapped(layers)


def wrapped(layers: Layers, variable: str = "LD_LIBRARY_PATH") -> Path:
    """A layer with a wrapper, and without the module that removes its traces at start-up."""
    layer = layers.add("app", {})
    layers.link("app")
    python = layer / "bin/python"
    python.unlink()
    python.write_text(wrapper_text(variable, f"bin/{VERSIONED}", FOLDER), encoding="utf-8")
    python.chmod(0o755)
    call([layer / f"bin/{VERSIONED}", "-I", layer / "postinstall.py", "--no-compile"])
    return layer


def report(argv: list[Any], cwd: Path | None = None, **variables: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(call([*argv, "-c", REPORT], cwd=cwd, **variables))
    return result


def expected(layer: Path) -> str:
    return f"{layer}/{FOLDER}"


def assert_started_from(layer: Path, started: dict[str, Any]) -> None:
    assert started["executable"] == f"{layer}/bin/{VERSIONED}"
    assert started["prefix"] == str(layer)
    assert started["base"] == str(layer.parent / "runtime")
    assert started["environment"]["LD_LIBRARY_PATH"] == expected(layer)


@pytest.mark.parametrize("shell", SHELLS)
class TestInEveryShell:
    def test_the_environment_is_found_and_the_variable_set(self, app: Path, shell: str) -> None:
        assert_started_from(app, report([*shell_argv(shell), app / "bin/python"]))

    def test_arguments_arrive_as_they_are(self, app: Path, shell: str) -> None:
        arguments = ["", "a b", "*", "$HOME", "'", '"', "\\", "new\nline", "--", "-c", "🐸"]
        printer = "import sys, json; print(json.dumps(sys.argv[1:]))"
        assert json.loads(call([*shell_argv(shell), app / "bin/python", "-c", printer, *arguments])) == arguments

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({}, "@"),
            ({"LD_LIBRARY_PATH": ""}, "@"),
            ({"LD_LIBRARY_PATH": "/mine"}, "/mine:@"),
            ({"LD_LIBRARY_PATH": "/mine:/also mine"}, "/mine:/also mine:@"),
        ],
    )
    def test_folders_come_after_existing_entries_and_none_is_empty(
        self, app: Path, shell: str, before: dict[str, str], after: str
    ) -> None:
        started = report([*shell_argv(shell), app / "bin/python"], **before)
        assert started["environment"]["LD_LIBRARY_PATH"] == after.replace("@", expected(app))

    def test_what_is_there_already_is_not_added_again(self, app: Path, shell: str) -> None:
        folder = expected(app)
        argv = [*shell_argv(shell), app / "bin/python"]
        for before in (folder, f"{folder}:/other", f"/mine:{folder}:/other"):
            assert report(argv, LD_LIBRARY_PATH=before)["environment"]["LD_LIBRARY_PATH"] == before
        assert report(argv, LD_LIBRARY_PATH=f"{folder}/deeper")["environment"]["LD_LIBRARY_PATH"] == (
            f"{folder}/deeper:{folder}"
        )

    def test_the_exit_status_is_the_interpreter_s(self, app: Path, shell: str) -> None:
        argv = [*shell_argv(shell), app / "bin/python", "-c", "raise SystemExit(7)"]
        assert subprocess.run(argv, env={}, check=False).returncode == 7

    def test_called_through_links_in_another_folder(self, app: Path, tmp_path: Path, shell: str) -> None:
        (tmp_path / "else where").mkdir()
        absolute, relative = tmp_path / "else where/absolute", tmp_path / "else where/relative\n"
        absolute.symlink_to(app / "bin/python")
        relative.symlink_to(os.path.relpath(app / "bin/python", relative.parent))
        assert_started_from(app, report([*shell_argv(shell), absolute], PATH=os.environ["PATH"]))
        started = report([*shell_argv(shell), relative], PATH=os.environ["PATH"])
        assert Path(started["prefix"]).samefile(app)
        assert started["environment"]["LD_LIBRARY_PATH"].startswith(f"{relative.parent}/../")


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("./bin/python", ""),
        ("bin/python", ""),
        ("./python", "bin"),
        ("../bin/python", "lib"),
        ("../../app/bin/python", "lib"),
    ],
)
def test_called_by_a_relative_path(app: Path, command: str, folder: str) -> None:
    started = report([command], cwd=app / folder)
    assert Path(started["executable"]).samefile(app / "bin" / VERSIONED)
    assert Path(started["prefix"]).samefile(app)
    entries = started["environment"]["LD_LIBRARY_PATH"].split(":")
    assert len(entries) == 1
    assert all(entry.startswith("/") for entry in entries)


@pytest.mark.parametrize("entry", ["/app/bin", "", "."])
def test_found_through_path(app: Path, entry: str) -> None:
    """An empty entry means the current folder; then `$0` has no slash."""
    path = str(app / "bin") if entry.startswith("/") else entry
    script = f'PATH="{path}:{os.environ["PATH"]}"; export PATH; exec python "$@"'
    started = report(["/bin/sh", "-c", script, "sh"], cwd=app / "bin", PATH=os.environ["PATH"])
    assert Path(started["prefix"]).samefile(app)
    assert Path(started["executable"]).parent.samefile(app / "bin")


@pytest.mark.parametrize("shell", SHELLS)
def test_given_to_a_shell_without_a_folder(app: Path, shell: str) -> None:
    started = report([*shell_argv(shell), "python"], cwd=app / "bin")
    assert started["environment"]["LD_LIBRARY_PATH"] == expected(app)


@pytest.mark.parametrize("name", ["a b", "it's", 'say "hi"', "$HOME `id`", "back\\slash", "*", "🐸", "-n", "(1)&;"])
def test_awkward_folders(tmp_path: Path, name: str) -> None:
    layer = wrapped(make_layers(tmp_path / name))
    started = report([layer / "bin/python"], LC_ALL="C")
    assert started["executable"] == f"{layer}/bin/{VERSIONED}"
    assert started["environment"].get("LD_LIBRARY_PATH") == (None if ";" in name else expected(layer))


@pytest.mark.parametrize("name", ["new\nline", "end\n"])
def test_line_breaks_are_no_matter_to_the_wrapper(tmp_path: Path, name: str) -> None:
    """pyvenv.cfg cannot name such a folder; the wrapper still works there."""
    folder = tmp_path / name / "bin"
    folder.mkdir(parents=True)
    folder.joinpath("python").write_text(wrapper_text("LD_LIBRARY_PATH", "bin/fake", "x"), encoding="utf-8")
    folder.joinpath("fake").write_text('#!/bin/sh\nprintf %s "$LD_LIBRARY_PATH"\n', encoding="utf-8")
    for file in folder.iterdir():
        file.chmod(0o755)
    assert call([folder / "python"]) == f"{folder.parent}/x"
    (tmp_path / "link").symlink_to(folder / "python")
    assert call([tmp_path / "link"], PATH=os.environ["PATH"]) == f"{folder.parent}/x"


@pytest.mark.parametrize("name", ["a:b", "a::b", "a;b"])
def test_a_folder_that_the_linker_would_cut_is_never_added(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "bin"
    folder.mkdir(parents=True)
    folder.joinpath("python").write_text(wrapper_text("LD_LIBRARY_PATH", "bin/fake", "x"), encoding="utf-8")
    folder.joinpath("fake").write_text('#!/bin/sh\nprintf %s "${LD_LIBRARY_PATH-unset}"\n', encoding="utf-8")
    for file in folder.iterdir():
        file.chmod(0o755)
    assert call([folder / "python"]) == "unset"
    assert call([folder / "python"], LD_LIBRARY_PATH="/mine") == "/mine"


def test_nested_starts_do_not_grow_the_variable(app: Path) -> None:
    nested = (
        "import os, subprocess, sys\n"
        "depth = int(sys.argv[1])\n"
        "print(os.environ['LD_LIBRARY_PATH'], flush=True)\n"
        f"command = {str(app / 'bin/python')!r} if depth % 2 else sys.executable\n"
        "if depth: subprocess.run([command, __file__, str(depth - 1)], check=True)\n"
    )
    script = app / "nested.py"
    script.write_text(nested, encoding="utf-8")
    seen = call([app / "bin/python", script, "4"], LD_LIBRARY_PATH="/mine").splitlines()
    assert seen == [f"/mine:{expected(app)}"] * 5


def test_nothing_else_in_the_environment_changes(app: Path) -> None:
    before = {
        "here": "1",
        "self": "2",
        "folder": "3",
        "IFS": "/",
        "HOME": "/nowhere",
        "PWD": "/wrong",
        "LC_ALL": "C.UTF-8",
    }
    after = report([app / "bin/python"], **before)["environment"]
    added_by_shells = {"PWD", "OLDPWD", "SHLVL", "_", "LD_LIBRARY_PATH", "VENVSTACKS_LIBRARY_PATH", "IFS"}
    assert {key: after.get(key) for key in before if key not in added_by_shells} == {
        key: value for key, value in before.items() if key not in added_by_shells
    }
    assert set(after) <= set(before) | added_by_shells


def test_the_macos_wrapper_does_the_same_with_its_variable(layers: Layers) -> None:
    variable = "DYLD_FALLBACK_LIBRARY_PATH"
    layer = wrapped(layers, variable)
    environment = report([layer / "bin/python"])["environment"]
    assert environment[variable] == f"{expected(layer)}:/usr/local/lib:/usr/lib"  # without it, these are searched
    assert "LD_LIBRARY_PATH" not in environment
    mine = report([layer / "bin/python"], **{variable: "/mine"})["environment"]
    assert mine[variable] == f"/mine:{expected(layer)}"


def test_the_normal_path_starts_no_process(app: Path, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    log = tmp_path / "calls"
    call(["strace", "-f", "-e", "trace=process", "-o", log, app / "bin/python", "-c", "pass"], PATH=os.environ["PATH"])
    calls = log.read_text()
    assert calls.count("execve(") == 2
    assert not any(name in calls for name in ("fork(", "clone(", "clone3("))
