"""Whether disks have room for what a run writes: by what was published, or else by the wheels of the locks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.offline_stacks import write_stack
from venvstacks.api import Options, load_project
from venvstacks.api.free_space import space_warnings
from venvstacks.loading.project import Project

TASKS = ("lock:py", "build:framework-base", "archive:framework-base", "export:framework-base", "manifest:archives")
LOCK = """\
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.11.7"
[[packages]]
name = "alpha"
version = "1.0"
wheels = [{{ url = "https://files.example/alpha-1.0-py3-none-any.whl", size = {size}, hashes.sha256 = "{digest}" }}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return load_project(write_stack(tmp_path / "stack"), Options(platform="linux_x86_64"))


def warnings(project: Project, free: int, tasks: tuple[str, ...] = TASKS) -> list[str]:
    return list(space_warnings(project, tasks, lambda _: free))


def test_where_nothing_is_known_nothing_is_said(project: Project) -> None:
    assert warnings(project, 0) == []


def test_wheels_of_a_lock_tell_how_much_is_needed(project: Project) -> None:
    layer = project.stack.by_env_name["framework-base"]
    place = project.base / project.configuration.layout.lock_file(layer)
    place.parent.mkdir(parents=True)
    place.write_text(LOCK.format(size=1_000_000_000, digest="a" * 64), "utf-8")
    (warning,) = warnings(project, 6_999_999_999)
    assert "has 7.0 GB free, and this run writes about 7.0 GB: make room" in warning
    assert warnings(project, 7_000_000_000) == []
    assert warnings(project, 1_000_000_000, ("archive:framework-base",)) == []


def test_what_was_published_before_tells_it_better(project: Project) -> None:
    layer = project.stack.by_env_name["framework-base"]
    layout = project.configuration.layout
    place = project.base / layout.published_metadata(layout.artifacts, layer, None)
    place.parent.mkdir(parents=True)
    product = {"kind": "framework", "content_digest": "", "inputs_digest": "", "file_count": 1, "tools": {}}
    facts = {
        "layer_name": "framework-base", "install_target": "framework-base", "requirements_hash": "", "lock_version": 1,
        "locked_at": "", "python_implementation": "cpython@3.11.7", "bound_to_implementation": False,
        "archive_size": 400, "venvstacks": {**product, "uncompressed_size": 1000},
    }  # fmt: skip
    place.write_text(json.dumps(facts), "utf-8")
    assert warnings(project, 2400) == []
    (warning,) = warnings(project, 2399)
    assert "has 2.4 kB free, and this run writes about 2.4 kB" in warning
