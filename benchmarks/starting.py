"""How long starting takes: `--version`, a run with nothing to do, and the bare imports that it cannot do without.

    python -m benchmarks.starting [SPEC] [--rounds 20] [--against PYTHON] [-- OPTIONS OF BUILD]

SPEC is a stack that is built and published (the sample by default); OPTIONS OF BUILD are those that it was built with.
Commands take turns, so that other load on the machine meets all of them alike. Printed are the least processor
seconds of all rounds, which depend on other load less than wall time does, and their ratio to those of the imports.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Place, measure
from venvstacks.tools.process import Processes

IMPORTS = "import pydantic, typer, doit.runner"


def commands(python: str, spec: Path, options: list[str]) -> dict[str, list[str]]:
    """What is measured, by name."""
    program = [python, "-m", "venvstacks"]
    return {
        IMPORTS: [python, "-c", IMPORTS],
        "--version": [*program, "--version"],
        "nothing to do": [*program, "--quiet", "build", str(spec), "--lock-if-needed", "--publish", *options],
        "plan": [*program, "plan", str(spec), *options],
    }


def compare(pythons: list[str], spec: Path, options: list[str], rounds: int) -> dict[tuple[str, str], float]:
    """The least processor seconds by Python and command."""
    least: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Place(spec.parent, dict(os.environ), Path(folder) / "log")
        for _ in range(rounds):
            for python in pythons:
                for name, command in commands(python, spec, options).items():
                    seconds = measure([command], place, Processes()).cpu_seconds
                    least[python, name] = min(seconds, least.get((python, name), seconds))
    return least


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="measure how long starting takes")
    parser.add_argument("spec", nargs="?", type=Path, default=Path("sample_project/venvstacks.toml"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--against", help="the Python of another environment, with another version of this")
    parser.add_argument("options", nargs="*", help="options of `build`, after `--`")
    chosen = parser.parse_args()
    pythons = [sys.executable, *([chosen.against] if chosen.against else [])]
    for (python, name), seconds in compare(pythons, chosen.spec.absolute(), chosen.options, chosen.rounds).items():
        print(f"{python}  {name:<40} {seconds:.3f} s")


if __name__ == "__main__":
    main()
