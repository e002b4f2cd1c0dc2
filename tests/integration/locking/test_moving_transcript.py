"""The transcript in docs/migrating.md, run as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.original_locks import write_lock_of_07
from tests.support.specifications import HOST, application, framework, runtime
from venvstacks.api import Options, load_project

PAGE = Path(__file__).parents[3] / "docs/migrating.md"

SPECIFICATION = (
    '[tool.uv]\nfind-links = ["wheels"]\nno-index = true\n\n'
    + HOST
    + runtime("cpython-3.11", platforms=["linux_x86_64"])
    + framework("cli", runtime="cpython-3.11", requirements=["frog"], versioned=True)
    + application("tool", "cli", requirements=["newt"])
)
OLD = {name: f"published by 0.7: {name}".encode() for name in (
    "cpython-3.11-linux_x86_64-1.tar.xz", "framework-cli@3-linux_x86_64-1.tar.xz", "app-tool-linux_x86_64-1.tar.xz",
)}  # fmt: skip


def transcript() -> Iterator[tuple[str, list[str]]]:
    """Commands with the lines that they are said to print."""
    (block,) = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield command, lines


@pytest.fixture
def project(tmp_path: Path) -> Path:
    base = tmp_path / "project"
    base.mkdir()
    (base / "venvstacks.toml").write_text(SPECIFICATION, encoding="utf-8")
    (base / "tool.py").write_text("import frog, newt\nprint('frog', frog.__version__)\n", encoding="utf-8")
    for version in ("1.0", "2.0"):
        make_wheel(base / "wheels", "frog", version)
    make_wheel(base / "wheels", "newt", "1.0", requires=["frog"])
    stack = load_project(base / "venvstacks.toml", Options(), {}).stack
    write_lock_of_07(base, stack.by_env_name["cpython-3.11"], {})
    write_lock_of_07(base, stack.by_env_name["framework-cli"], {"frog": "1.0"}, version=3)
    write_lock_of_07(base, stack.by_env_name["app-tool"], {"frog": "1.0", "newt": "1.0"})
    (base / "_artifacts").mkdir()
    for name, content in OLD.items():
        (base / "_artifacts" / name).write_bytes(content)
    return base


def run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "venvstacks"
    variables = {**os.environ, "COLUMNS": "200", "VENVSTACKS_CACHE": str(folder.parent / "cache")}
    argv = [sys.executable, "-m", "venvstacks", *words[1:]]
    done = subprocess.run(argv, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the transcript is for Linux on x86_64")
def test_a_project_of_07_goes_on_as_the_page_says(project: Path) -> None:
    for command, lines in transcript():
        printed = [" ".join(line.split()) for line in run(command, project).splitlines()]
        for line in lines:
            wanted = re.escape(" ".join(line.split())).replace(re.escape("..."), ".*")
            assert any(re.search(rf"(^|[ ─]){wanted}$", found) for found in printed), (command, line, printed)
    assert {name: (project / "_artifacts" / name).read_bytes() for name in OLD} == OLD
