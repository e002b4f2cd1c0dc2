"""What people see in terminals of 80 and of 120 columns: every screen while a command runs, and what it leaves."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.folder_server import serving_folder
from tests.support.sample_stack import Pond
from tests.support.terminal_screens import Shown, show

WIDTHS = pytest.mark.parametrize("width", [80, 120])
BAR = "━"
TASK_BAR = re.compile(r". (tasks|\w+:[\w-]+) +[━╸╺]+ +(\S.* )?\d+:\d\d(, \d+:\d\d left)?")
PHASE_BAR = re.compile(
    r"[a-z]+ +[━╸╺]+ (for the source|[\d.]+ of [\d.]+ (MB|files|layers)(, [\d.]+ [kM]B/s)?(, .* left)?)"
)


def bars(shown: Shown) -> set[str]:
    return {line for screen in shown.screens for line in screen if BAR in line}


def is_tidy(shown: Shown) -> bool:
    """Whether nothing of a display is left: neither bars nor a cursor that cannot be seen."""
    return BAR not in shown.last and shown.cursor


@pytest.fixture(scope="module")
def built(published_pond: Pond, tmp_path_factory: pytest.TempPathFactory) -> Pond:
    """A published stack, for tests to change."""
    base = tmp_path_factory.mktemp("screens") / "pond"
    shutil.copytree(published_pond.base, base, symlinks=True)
    return Pond(base, published_pond.cache, published_pond.uv_cache)


@WIDTHS
def test_a_publish_shows_bars_and_leaves_lines(built: Pond, width: int) -> None:
    place = built.base / "support/legs.py"
    place.write_text(f"{place.read_text('utf-8')}# {width}\n", "utf-8")
    shown = show(["publish"], width, built.base, built.environment)
    assert shown.status == 0, shown.last
    assert any("tasks" in line for line in bars(shown))
    assert [line for line in bars(shown) if not TASK_BAR.fullmatch(line)] == []
    assert is_tidy(shown)
    assert re.search(r"^ +\d\.\d\d s  build:app-newt$", shown.last, re.MULTILINE)
    assert re.search(r"^longest chain of tasks: build:app-newt > .*, \d\.\d\d s$", shown.last, re.MULTILINE | re.DOTALL)
    assert "archives: _artifacts" in shown.last


@WIDTHS
def test_a_deploy_shows_phases_and_leaves_what_was_installed(published_pond: Pond, width: int, tmp_path: Path) -> None:
    source = published_pond.base / "_artifacts"
    shown = show(
        ["deploy", source, "--app", "newt", "--to", tmp_path / "d"], width, tmp_path, published_pond.environment
    )
    assert shown.status == 0, shown.last
    assert [line for line in bars(shown) if not PHASE_BAR.fullmatch(line)] == []
    assert {"unpacking", "compiling"} <= {line.split()[0] for line in bars(shown)}
    assert is_tidy(shown)


def test_ctrl_c_in_a_build_leaves_no_display(pond: Pond) -> None:
    def is_building(screen: tuple[str, ...]) -> bool:
        return any("build:" in line and BAR in line for line in screen)

    shown = show(["build", "--no-index"], 80, pond.base, pond.environment, interrupt=is_building)
    assert shown.status == 130
    assert is_tidy(shown)
    assert "interrupted" in shown.last
    assert "Traceback" not in shown.last


def test_ctrl_c_in_a_download_leaves_no_display(published_pond: Pond, tmp_path: Path) -> None:
    def is_fetching(screen: tuple[str, ...]) -> bool:
        return any(line.startswith("fetching") and " of " in line for line in screen)

    with serving_folder(published_pond.base / "_artifacts") as web:
        web.slow = {path.name for path in web.folder.iterdir() if path.is_file()}
        command = ["deploy", web.url, "--app", "newt", "--to", tmp_path / "d"]
        shown = show(command, 80, tmp_path, published_pond.environment, interrupt=is_fetching)
    assert shown.status == 130
    assert is_tidy(shown)
    assert "interrupted" in shown.last
    assert "Traceback" not in shown.last
