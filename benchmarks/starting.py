"""How long starting takes: `--version`, a run with nothing to do, and the libraries that it cannot do without.

`import pydantic` alone loads little of pydantic: most of it comes with the first model. So the libraries are measured
twice, imported, and in use: one model that reads one value, one requirement, and a program of one command.

    python -m benchmarks.starting [SPEC] [--rounds 20] [--against PYTHON] [-- OPTIONS OF BUILD]

SPEC is a stack that is built and published (the sample by default); OPTIONS OF BUILD are those that it was built with.
Commands take turns, so that other load on the machine meets all of them alike. Printed are the least processor
seconds of all rounds, which depend on other load less than wall time does, and their ratios to those of the libraries.
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
LIBRARIES = "these, and packaging, in use"
IN_USE = f"""\
{IMPORTS}
import packaging.requirements
class Model(pydantic.BaseModel):
    number: int
Model.model_validate({{"number": 1}})
packaging.requirements.Requirement("a>=1")
program = typer.Typer()
program.command()(lambda: None)
program(args=[], standalone_mode=False)
"""


def commands(python: str, spec: Path, options: list[str]) -> dict[str, list[str]]:
    """What is measured, by name."""
    program = [python, "-m", "venvstacks"]
    return {
        IMPORTS: [python, "-c", IMPORTS],
        LIBRARIES: [python, "-c", IN_USE],
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
    least = compare(pythons, chosen.spec.absolute(), chosen.options, chosen.rounds)
    for (python, name), seconds in least.items():
        imported, used = seconds / least[python, IMPORTS], seconds / least[python, LIBRARIES]
        print(f"{python}  {name:<40} {seconds:.3f} s, {imported:.2f} of the imports, {used:.2f} of use")


if __name__ == "__main__":
    main()
