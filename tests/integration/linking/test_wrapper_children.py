"""Children of an application that needs the wrapper: however they are started, they find what the parent finds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.integration.linking.conftest import VERSIONED, call, make_layers
from tests.integration.linking.test_c_across_layers import build
from tests.support.compiled_wheels import make_frog_wheels

SPAWNING = """\
import multiprocessing
import os
import sys

def legs(_: int) -> tuple[int, str, str]:
    import newt
    return newt.legs(), sys.prefix, os.environ.get("LD_LIBRARY_PATH", "")

if __name__ == "__main__":
    for method in ("spawn", "forkserver", "fork"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            seen = set(pool.map(legs, range(4)))
        print(method, *[(count, prefix == sys.prefix) for count, prefix, _ in seen])
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application whose extension module needs a library of the layer below."""
    layers = make_layers(tmp_path_factory.mktemp("children") / "🐸 and 🦎")
    build(layers, make_frog_wheels(tmp_path_factory.mktemp("wheels")))
    return layers.folder / "app-newt"


def test_python_is_called_what_it_was_started_as(app: Path) -> None:
    assert call([app / "bin/python", "-c", "import sys; print(sys.executable)"]) == f"{app}/bin/python\n"


def test_multiprocessing(app: Path, tmp_path: Path) -> None:
    script = tmp_path / "spawning.py"
    script.write_text(SPAWNING, "utf-8")
    said = call([app / "bin/python", script], TMPDIR=str(tmp_path))
    assert said.splitlines() == ["spawn (4, True)", "forkserver (4, True)", "fork (4, True)"]


@pytest.mark.parametrize("environment", ["None", "{}", "{'LD_LIBRARY_PATH': '/mine'}"])
def test_a_child_with_an_environment_of_its_own(app: Path, environment: str) -> None:
    child = "import newt; print(newt.legs())"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], env={environment}, check=True)"
    assert call([app / "bin/python", "-c", parent]) == "4\n"


@pytest.mark.parametrize("shell", ["dash", "bash", "zsh", "busybox sh"])
def test_a_child_that_a_shell_starts(app: Path, shell: str) -> None:
    name, *options = shell.split()
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}")
    line = "import subprocess, sys; subprocess.run([*sys.argv[1:], '-c', '\"$0\" -c \"import newt; print(newt.legs())\"', sys.executable], check=True)"  # noqa: E501
    assert call([app / "bin/python", "-c", line, str(shutil.which(name)), *options]) == "4\n"


def test_a_child_that_is_found_through_path(app: Path) -> None:
    parent = "import subprocess; subprocess.run(['python', '-c', 'import newt; print(newt.legs())'], check=True)"
    assert call([app / "bin/python", "-c", parent], PATH=f"{app}/bin:{os.environ['PATH']}") == "4\n"


@pytest.mark.parametrize("options", [[], ["--system-site-packages"]])
def test_a_virtual_environment_made_from_inside(app: Path, tmp_path: Path, options: list[str]) -> None:
    inner = tmp_path / "inner"
    call([app / "bin/python", "-m", "venv", "--without-pip", *options, inner])
    output = call([inner / "bin/python", "-c", "import json, sys; print(sys.prefix, sys.base_prefix)"])
    assert output == f"{inner} {(app.parent / 'runtime')}\n"
    assert (inner / "bin" / VERSIONED).exists()


def test_importlib_and_runpy_start_it_too(app: Path) -> None:
    code = "import runpy, sys; sys.argv = ['x']; print(runpy.run_module('newt_runner', run_name='x')['legs'])"
    runner = next(app.glob("lib/python3.*/site-packages")) / "newt_runner.py"
    runner.write_text("import newt\nlegs = newt.legs()\n", "utf-8")
    assert call([app / "bin/python", "-c", code]) == "4\n"
