"""Locks do not depend on the Python that this program runs on: not what is written, nor what is valid."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import findpython
import pytest

from tests.support.committed_locks import COMMITTED, copy_committed_stack

pytestmark = pytest.mark.network
ROOT = Path(__file__).parents[2]
OFFLINE = ("--no-index", "--local-wheels", "wheelhouse")


@pytest.fixture(scope="module", params=[11, 13])
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another Python with this program and what it needs, from an index."""
    if request.param == sys.version_info.minor:
        pytest.skip("every other test runs on it")
    found = findpython.find(3, request.param, allow_prereleases=True)
    if found is None:
        pytest.skip(f"Python 3.{request.param} is not installed")
    place = tmp_path_factory.mktemp(f"python3.{request.param}") / "env"
    subprocess.run([found.executable, "-m", "venv", place], check=True)
    interpreter = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "--editable", ROOT], check=True)
    return interpreter


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lock(python: Path, spec: Path, *options: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("VENVSTACKS_", "UV_"))}
    variables |= {"UV_CACHE_DIR": str(spec.parents[1] / "uv")}
    command = [python, "-m", "venvstacks", "lock", spec, *OFFLINE, *options]
    return subprocess.run(command, cwd=spec.parent, env=variables, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("options", [(), ("--if-needed",), ("--upgrade", "--jobs", "8")], ids=" ".join)
def test_locking_again_writes_the_same_bytes(python: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    spec = copy_committed_stack(tmp_path / "another folder" / "stack")
    done = lock(python, spec, *options)
    assert done.returncode == 0, done.stderr
    assert files(spec.parent / "requirements") == files(COMMITTED / "requirements")


def test_from_nothing_too(python: Path, tmp_path: Path) -> None:
    spec = copy_committed_stack(tmp_path / "stack")
    shutil.rmtree(spec.parent / "requirements")
    assert lock(python, spec, "--jobs", "1").returncode == 0
    assert files(spec.parent / "requirements") == files(COMMITTED / "requirements")
