"""Import checks that have passed are remembered by what was checked, and repeated when anything differs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.locked_layers import framework, runtime
from venvstacks.actions.building import import_check
from venvstacks.actions.building.import_check import CheckRequest, check_layer
from venvstacks.actions.toolset import Tools
from venvstacks.errors import ImportCheckError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.records.tree_records import CheckRecord, LibrariesRecord, RuntimeRecord
from venvstacks.tools.files import write_atomically

BASE = runtime("py")
LAYER = framework("pond", ["frog"], BASE)
PASSES = """echo imported; echo '{"failures": [], "compiled": []}' > $4"""
FAILS = """echo imported; echo '{"failures": [["", "m", "wet"]], "compiled": []}' > $4"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script plays Python")


def tools_of(folder: Path, user: str) -> Tools:
    """A user's tools; entries of the cache are sealed with the key in the user's state folder."""
    environment = {"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": str(folder / user)}
    return Tools(environment=environment, cache=folder / "cache")


class Stack:
    """A linked layer whose Python is a shell script."""

    def __init__(self, base: Path, script: str = PASSES) -> None:
        self.request = CheckRequest(LAYER, PLATFORMS["linux_x86_64"], StackLayout(), base, base / "logs/check.log")
        self.tools = tools_of(base.parent, "user")
        self.write("runtime", RuntimeRecord(python="cpython@3.11.7", provider="p", build="1", digest="d").text())
        self.write("libraries", LibrariesRecord(libraries={}).text())
        for layer in (LAYER, BASE):
            write_atomically(base / StackLayout().record("link", layer), f"contents of {layer.name}")
        write_atomically(self.request.environment / LAYER_CONFIG, json.dumps({"site_dir": "lib", "python": "bin/py"}))
        write_atomically(self.request.environment / "bin/py", f"#!/bin/sh\n{script}\n")
        (self.request.environment / "bin/py").chmod(0o755)

    def write(self, kind: str, text: bytes) -> None:
        write_atomically(self.request.base / StackLayout().record(kind, BASE), text)

    def imports(self) -> bool:
        """Check the layer; whether its Python was started for that."""
        self.request.log.unlink(missing_ok=True)
        check_layer(self.request, self.tools)
        record = CheckRecord.load(self.request.base / StackLayout().record("check", LAYER))
        assert record == CheckRecord(imported=("frog",))
        return self.request.log.exists() and "imported" in self.request.log.read_text("utf-8")


def test_the_same_contents_are_imported_once_on_a_machine(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "here")
    assert stack.imports()
    assert not stack.imports()
    assert not Stack(tmp_path / "elsewhere").imports()


def other_contents(stack: Stack) -> None:
    write_atomically(stack.request.base / StackLayout().record("link", LAYER), "other contents")


def other_contents_below(stack: Stack) -> None:
    write_atomically(stack.request.base / StackLayout().record("link", BASE), "other contents")


def another_python(stack: Stack) -> None:
    stack.write("runtime", RuntimeRecord(python="cpython@3.11.7", provider="p", build="2", digest="e").text())


def another_platform(stack: Stack) -> None:
    stack.request = replace(stack.request, platform=PLATFORMS["macosx_arm64"])


def an_entry_of_somebody_else(stack: Stack) -> None:
    stack.tools = tools_of(stack.request.base.parent, "somebody")


def a_copied_entry(stack: Stack) -> None:
    (entry,) = (stack.tools.cache / "checks").iterdir()
    other_contents(stack)
    stack.imports()
    (other,) = set((stack.tools.cache / "checks").iterdir()) - {entry}
    other.write_bytes(entry.read_bytes())


@pytest.mark.parametrize(
    "change",
    [other_contents, other_contents_below, another_python, another_platform, an_entry_of_somebody_else, a_copied_entry],
)
def test_anything_else_is_imported(tmp_path: Path, change: Callable[[Stack], None]) -> None:
    stack = Stack(tmp_path / "here")
    assert stack.imports()
    change(stack)
    assert stack.imports()


def test_what_failed_is_imported_each_time(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "here", FAILS)
    for _ in range(2):
        with pytest.raises(ImportCheckError):
            stack.imports()
    assert not list((tmp_path / "cache").glob("checks/*"))


def test_what_has_a_warning_is_imported_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning is about this machine, which may be mended."""
    monkeypatch.setattr(import_check, "_excuse", lambda *_: ("wet",))
    stack = Stack(tmp_path / "here", FAILS)
    for times in (1, 2):
        assert check_layer(stack.request, stack.tools)["warnings"] == ["wet"]
        assert stack.request.log.read_text("utf-8").count("\nimported\n") == times


def test_a_cache_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/checks").write_text("no folder", "utf-8")
    stack = Stack(tmp_path / "here")
    assert stack.imports()
    assert stack.imports()
