"""Compare layered with flat environments of well-known packages: one command.

    python -m benchmarks.flat --seed 1 [--group NAME ...] [--output docs]

For each group of distributions: the locked set is installed flat, then split over three layers at a random dependency
boundary, locked, built, published and deployed with this product; the probe answers the same questions in both
(`benchmarks/flat/probe.py`), and every answer that differs is a line in the result.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.flat.comparing import differences
from benchmarks.flat.distributions import GROUPS, group_requirements
from benchmarks.flat.environments import Machine, end_of, installed, make_flat, make_layered
from benchmarks.pythons import prepare_pythons
from venvstacks.errors import ProcessFailedError
from venvstacks.tools.process import Processes

_SECONDS = 300


@dataclass
class GroupResult:
    """What came of one group.

    Attributes:
        group: Its name.
        distributions: How many were compared, dependencies included.
        layers: How many packages each layer holds.
        differing: Lines by distribution, or `environment`.
        failure: Why there was nothing to compare; empty if there was.
        seconds: Wall time.
    """

    group: str
    distributions: int = 0
    layers: dict[str, int] = field(default_factory=dict)
    differing: dict[str, list[str]] = field(default_factory=dict)
    failure: str = ""
    seconds: float = 0


def compare_group(group: str, requirements: tuple[str, ...], seed: int, machine: Machine, folder: Path) -> GroupResult:
    """Make both environments of one group and compare them."""
    began, result = time.perf_counter(), GroupResult(group)
    flat, layered = folder / "flat", folder / "layered"
    try:
        python = make_flat(flat, requirements, machine)
        layers = make_layered(layered, flat, f"{seed} {group}", machine)
    except ProcessFailedError as error:
        result.failure = end_of(error)
        return result
    result.layers = {layer: len(names) for layer, names in layers.items()}
    names = [*installed(flat)[0]]
    result.distributions = len(names)
    questions = [["environment"], *(["distribution", name] for name in names)]

    def compare(question: list[str]) -> tuple[str, list[str]]:
        answers: list[object] = []
        for start in (
            [str(python), "-P", str(folder / "layered/probe.py")],
            [sys.executable, "-m", "venvstacks", "exec", str(layered / "products"), "probe"],
        ):
            out = folder / f"{'-'.join(question)}-{len(answers)}.json"
            answers.append(_answer([*start, *question, str(out)], out, machine))
        return question[-1], list(differences(answers[0], answers[1]))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        result.differing = {name: lines for name, lines in pool.map(compare, questions) if lines}
    result.seconds = round(time.perf_counter() - began, 1)
    return result


def _answer(command: list[str], out: Path, machine: Machine) -> object:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "agg", "HOME": str(out.parent)}
    try:
        machine.processes.run(command, env=environment, cwd=out.parent, log=out.with_suffix(".log"))
        return json.loads(out.read_text("utf-8"))
    except ProcessFailedError as error:
        return {"ended": end_of(error)}
    except (OSError, ValueError) as error:
        return {"ended": str(error)}


def main() -> int:
    """Compare; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flat", description=__doc__.splitlines()[0])
    parser.add_argument("--group", action="append", choices=GROUPS, help="compare these alone (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="for the layer boundaries (default: 1)")
    parser.add_argument("--output", type=Path, help="a file that takes the results as JSON, added to as they come")
    parser.add_argument("--keep", action="store_true", help="leave the environments in place")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="venvstacks-flat-"))
    processes, version = Processes(), "3.11.7"
    cache = folder / "cache"
    tree = prepare_pythons([f"cpython@{version}"], cache, processes)[f"cpython@{version}"]
    machine = Machine(tree / "bin/python3.11", version, cache, processes)
    results = []
    for group in options.group or GROUPS:
        place = folder / group
        place.mkdir()
        result = compare_group(group, group_requirements(group), options.seed, machine, place)
        results.append(result)
        _tell(result)
        if options.output:
            options.output.write_text(json.dumps([asdict(one) for one in results], indent=1) + "\n", "utf-8")
        if not options.keep:
            shutil.rmtree(place, ignore_errors=True)
    count = sum(result.distributions for result in results)
    differing = sum(len(result.differing) for result in results)
    print(f"{count} distributions in {len(results)} groups compared; {differing} with differences")
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return bool(differing or any(result.failure for result in results))


def _tell(result: GroupResult) -> None:
    print(
        f"{result.group}: {result.failure or f'{result.distributions} distributions, {result.seconds} s'}", flush=True
    )
    for name, lines in result.differing.items():
        print(f"  {name}", *lines, sep="\n    ", flush=True)


if __name__ == "__main__":
    sys.exit(main())
