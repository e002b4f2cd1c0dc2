"""Compare layered with flat environments of well-known packages: one command.

    python -m benchmarks.flat --seed 1 [--group NAME ...] [--output docs]

For each group of distributions: the locked set is installed flat, then split over three layers at a random dependency
boundary, locked, built, published and deployed with this product; the probe answers the same questions in both
(`benchmarks/flat/probe.py`), and every answer that differs is a line in the result. The deployment is read-only, and
when root runs this, the probe runs as another user.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.flat.comparing import differences, unanswered
from benchmarks.flat.distributions import GROUPS, group_requirements
from benchmarks.flat.environments import (
    Machine,
    another_user,
    end_of,
    end_of_output,
    installed,
    make_flat,
    make_layered,
    make_read_only,
    temporary_folder,
)
from benchmarks.pythons import prepare_pythons
from venvstacks.errors import ProcessFailedError
from venvstacks.tools.process import Processes


@dataclass
class GroupResult:
    """What came of one group.

    Attributes:
        group: Its name.
        distributions: How many were compared, dependencies included.
        layers: How many packages each layer holds.
        differing: Lines by distribution, or `environment`.
        unanswered: Distributions, or `environment`, about which both probes ended too early: nothing was compared.
        failure: Why there was nothing to compare; empty if there was.
        seconds: Wall time.
    """

    group: str
    distributions: int = 0
    layers: dict[str, int] = field(default_factory=dict)
    differing: dict[str, list[str]] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
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
    make_read_only(layered / "products")
    names = [*installed(flat)[0]]
    result.distributions = len(names)
    starts = (
        [str(python), "-P", str(layered / "probe.py")],
        [str(layered / "products/current/apps/probe/bin/python"), "-P", "-m", "probe"],
    )
    with ThreadPoolExecutor(len(starts)) as pool:
        both = list(pool.map(lambda start: _answers(start, names, machine), starts))
    for name in ("environment", *names):
        if lines := list(differences(both[0][name], both[1][name])):
            result.differing[name] = lines
        elif unanswered(both[0][name]):
            result.unanswered.append(name)
    result.seconds = round(time.perf_counter() - began, 1)
    return result


def _answers(start: Sequence[str], names: Sequence[str], machine: Machine) -> dict[str, dict[str, object]]:
    """What the probe answers, by question, when it runs as another user who cannot write to either environment."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o777)
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "MPLBACKEND": "agg",
            "HOME": str(folder),
        }
        command = [*start, str(folder), *names]
        rights = machine.prober
        done = machine.processes.run(command, env=environment, cwd=folder, check=False, rights=rights)
        found: dict[str, dict[str, object]] = {}
        for name in ("environment", *names):
            try:
                found[name] = json.loads((folder / f"{name}.json").read_text("utf-8"))
            except (OSError, ValueError):
                found[name] = {"not answered": end_of_output(done.stdout + done.stderr)}
        return found


def main() -> int:
    """Compare; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flat", description=__doc__.splitlines()[0])
    parser.add_argument("--group", action="append", choices=GROUPS, help="compare these alone (default: all)")
    parser.add_argument("--together", action="store_true", help="make one stack of the groups that are compared")
    parser.add_argument("--seed", type=int, default=1, help="for the layer boundaries (default: 1)")
    parser.add_argument("--output", type=Path, help="a file that takes the results as JSON, added to as they come")
    parser.add_argument("--keep", action="store_true", help="leave the environments in place")
    options = parser.parse_args()
    folder = temporary_folder()
    processes, version = Processes(), "3.11.7"
    cache = folder / "cache"
    tree = prepare_pythons([f"cpython@{version}"], cache, processes)[f"cpython@{version}"]
    machine = Machine(tree / "bin/python3.11", version, cache, processes, another_user())
    results = []
    groups = {name: group_requirements(name) for name in options.group or GROUPS}
    if options.together:
        groups = {"+".join(groups): tuple(name for names in groups.values() for name in names)}
    for number, (group, requirements) in enumerate(groups.items()):
        place = folder / str(number)
        place.mkdir()
        result = compare_group(group, requirements, options.seed, machine, place)
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
    if result.unanswered:
        print("  not answered in either environment:", *result.unanswered, flush=True)


if __name__ == "__main__":
    sys.exit(main())
