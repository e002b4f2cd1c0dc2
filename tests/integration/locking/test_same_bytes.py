"""Locking again gives the same bytes: online or offline, with any number of jobs, in other folders and caches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Request

LAYERS = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
requirements = ["frog"]

[[frameworks]]
name = "web"
runtime = "py"
requirements = ["toad", "newt; sys_platform == 'win32'"]
versioned = true

[[frameworks]]
name = "gui"
runtime = "py"
requirements = ["newt"]

[[applications]]
name = "app"
frameworks = ["web", "gui"]
requirements = ["egg"]
launch_module = "app.py"
"""
PLATFORM_TAGS = "manylinux_2_17_x86_64.manylinux_2_17_aarch64.macosx_11_0_arm64.macosx_11_0_x86_64.win_amd64.win_arm64"


@pytest.fixture
def text(tmp_path: Path) -> Iterator[str]:
    """A specification over an index that runs while the test does."""
    for name, requires in (("frog", []), ("toad", ["frog"]), ("newt", ["toad"]), ("egg", ["newt", "frog"])):
        for version in ("1.0", "2.0"):
            make_wheel(tmp_path / "served", name, version, requires=requires, tag=f"py3-none-{PLATFORM_TAGS}")
    with running(Index(tmp_path / "served")) as index:
        yield (
            "[tool.uv]\nexclude-newer = 2024-06-01\n"
            f'index = [{{ name = "i", url = "{index.url}", default = true }}]\n{LAYERS}'
        )


def lock(stack: StackOnDisk, *, jobs: int = 2) -> dict[str, bytes]:
    stack.run(Request(("lock",), renew_locks=True), local_wheels=(), use_index=True, jobs=jobs)
    return stack.files()


def test_every_byte_is_the_same(text: str, tmp_path: Path) -> None:
    stack = StackOnDisk.write(tmp_path / "one", text)
    first = lock(stack)
    assert len(first) == 4 * 4
    assert lock(stack) == first
    assert lock(replace(stack, variables={"UV_OFFLINE": "1"})) == first
    elsewhere = tmp_path / "another" / "and deeper"
    for jobs in (1, 8):
        assert lock(StackOnDisk.write(elsewhere / str(jobs), text), jobs=jobs) == first
    fresh_cache = {"UV_CACHE_DIR": str(tmp_path / "fresh")}
    assert lock(replace(StackOnDisk.write(elsewhere / "fresh", text), variables=fresh_cache)) == first
