"""How long `show` takes for long chains of layers: `python -m benchmarks.show_chains PYTHON [PYTHON...]`.

Each PYTHON has a version of this package installed. They take turns, so that a busy machine slows all of them alike;
the least processor time of each is printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

LENGTHS = (50, 100, 200, 400, 800)
ROUNDS = 3


def chain(length: int) -> str:
    """A specification of one runtime and so many frameworks, each on the one before."""
    layers = ['[[runtimes]]\nname = "py"\npython_implementation = "cpython@3.11.7"\nrequirements = []\n']
    for number in range(length):
        base = f'frameworks = ["f{number - 1}"]' if number else 'runtime = "py"'
        layers.append(f'[[frameworks]]\nname = "f{number}"\n{base}\nrequirements = ["six"]\n')
    return "\n".join(layers)


def seconds(python: str, specification: Path) -> float:
    """Processor time of one `show`."""
    before = os.times()
    subprocess.run(
        [python, "-m", "venvstacks", "show", specification],
        stdout=subprocess.DEVNULL,
        check=True,
        cwd=specification.parent,
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main(pythons: list[str]) -> None:
    """Print a line for each length: processor seconds for each Python."""
    with tempfile.TemporaryDirectory() as folder:
        for length in LENGTHS:
            specification = Path(folder, f"{length}.toml")
            specification.write_text(chain(length), encoding="utf-8")
            rounds = [[seconds(python, specification) for python in pythons] for _ in range(ROUNDS)]
            print(length, *(f"{min(column):.2f}" for column in zip(*rounds, strict=True)))


if __name__ == "__main__":
    main(sys.argv[1:] or [sys.executable])
