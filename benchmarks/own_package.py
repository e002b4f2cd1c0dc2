"""What one changed byte of an own package costs apart from its build backend: `python -m benchmarks.own_package`.

A stack with one application that is a package is published, a byte of its data is changed, and `build --publish`
runs again; then the same project is built by the same `uv build` alone. The difference of processor seconds (user and
system, of all children) is what the tasks around the build cost; both sides take turns, the least of several counts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from venvstacks.tools.uv import find_uv

_PROJECT = """[build-system]
requires = ["pdm-backend"]
build-backend = "pdm.backend"
[project]
name = "measured"
version = "1.0"
"""
_STACK = """[tool.venvstacks]
runtime-providers = ["host"]
[tool.uv.sources]
measured = {{ path = "measured" }}
[[runtimes]]
name = "py"
python_implementation = "cpython@{python}"
requirements = []
[[applications]]
name = "measured"
runtime = "py"
requirements = ["measured"]
launch = "measured"
"""


def processor_seconds(command: list[str], folder: Path) -> float:
    """User and system seconds of a command and all its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(folder: Path, python: str, rounds: int) -> dict[str, float]:
    """Least processor seconds of a run after a changed byte, of the build alone, and of a run with nothing to do."""
    package = folder / "measured/src/measured"
    package.mkdir(parents=True)
    (folder / "measured/pyproject.toml").write_text(_PROJECT, "utf-8")
    (package / "__init__.py").write_text("", "utf-8")
    (folder / "venvstacks.toml").write_text(_STACK.format(python=python), "utf-8")
    run = [sys.executable, "-m", "venvstacks", "build", "venvstacks.toml", "--lock-if-needed", "--publish"]
    alone = [str(find_uv()), "build", "--wheel", "--offline", "--python", python, "--out-dir", "out", "measured"]
    processor_seconds(run, folder)
    found: dict[str, list[float]] = {"changed": [], "backend": [], "idle": []}
    for turn in range(rounds):
        (package / "data.txt").write_text(str(turn), "utf-8")
        found["changed"].append(processor_seconds(run, folder))
        found["backend"].append(processor_seconds(alone, folder))
        found["idle"].append(processor_seconds(run, folder))
    least = {name: round(min(values), 2) for name, values in found.items()}
    return {**least, "beyond": round(least["changed"] - least["backend"], 2)}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="3.11.7", help="exact version of an installed CPython")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), options.python, options.rounds)))


if __name__ == "__main__":
    main()
