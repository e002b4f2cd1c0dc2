"""What conflicts between layers cost while locking: `python -m benchmarks.adapted_locks`.

Four layers on top of each other, each with a package that is a version too new for the layer above it: three
conflicts, which locking solves by adapting the three lower layers. The same stack with those versions written down by
hand locks to the same packages without a conflict. Both are locked from nothing; processor seconds (user and system,
of all children), taking turns, the least of several.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.own_package import processor_seconds
from tests.support.handmade_wheels import make_wheel

_LEVELS = ("frog", "newt", "toad", "pond")  # from the runtime up; each needs version 1 of the one before


def _write_stack(folder: Path, limit: str) -> None:
    folder.mkdir()
    (folder / "hello.py").write_text("", "utf-8")
    tables = [
        '[[runtimes]]\nname = "frog"\npython_implementation = "cpython@3.11.7"\n',
        '[[frameworks]]\nname = "newt"\nruntime = "frog"\n',
        '[[frameworks]]\nname = "toad"\nframeworks = ["newt"]\n',
        '[[applications]]\nname = "pond"\nframeworks = ["toad"]\nlaunch_module = "hello.py"\n',
    ]
    limits = (*(limit for _ in _LEVELS[:-1]), "")
    parts = [
        f'{table}platforms = ["linux_x86_64"]\nrequirements = ["{name}{limit}"]\n'
        for table, name, limit in zip(tables, _LEVELS, limits, strict=True)
    ]
    (folder / "venvstacks.toml").write_text("\n".join(parts), "utf-8")


def _packages(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("requirements/*/packages-*.txt"))}


def measure(folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Least processor and wall seconds of locking with three conflicts, and of the same packages without one."""
    for below, name in zip((None, *_LEVELS), _LEVELS, strict=False):
        for version in ("1.0", "2.0"):
            make_wheel(folder / "wheels", name, version, requires=[f"{below}<2"] if below else [])
    command = [sys.executable, "-m", "venvstacks", "lock", "venvstacks.toml", "--no-index"]
    command += ["--local-wheels", str(folder / "wheels")]
    found: dict[str, list[tuple[float, float]]] = {"three conflicts": [], "none": []}
    for turn in range(rounds):
        packages = []
        for kind, limit in (("three conflicts", ""), ("none", "<2")):
            stack = folder / f"{kind} {turn}"
            _write_stack(stack, limit)
            begun = time.perf_counter()
            cpu = processor_seconds(command, stack)
            found[kind].append((cpu, time.perf_counter() - begun))
            packages.append(_packages(stack))
        if packages[0] != packages[1]:
            raise AssertionError(packages)
    return {
        kind: {"processor": round(min(cpu for cpu, _ in each), 2), "wall": round(min(wall for _, wall in each), 2)}
        for kind, each in found.items()
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), options.rounds)))


if __name__ == "__main__":
    main()
