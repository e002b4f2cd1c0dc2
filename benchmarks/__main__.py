"""The command: choose a part, measure it, write results, report and picture."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from benchmarks.contestants import ORIGINAL, ROOT, Name, install
from benchmarks.machine import describe_machine
from benchmarks.measure import MeasurementError, UnavailableError
from benchmarks.operations import OPERATIONS
from benchmarks.picture import draw_growth
from benchmarks.report import write_report
from benchmarks.results import Results, Row, read_results, write_results
from benchmarks.session import Session
from benchmarks.stacks import STACKS, Kit
from venvstacks.errors import VenvstacksError
from venvstacks.tools.files import write_atomically
from venvstacks.tools.process import Processes

_QUICK_STACKS = ("layers-10",)
_QUICK_WITHOUT = ("publish-small", "unpack", "deploy-by-hand", "export-kept")


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this product and the original.")
    parser.add_argument("--stack", action="append", choices=STACKS, help="only this stack; repeatable")
    parser.add_argument("--operation", action="append", choices=OPERATIONS, help="only this operation; repeatable")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="executions of each operation (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one run of the smallest stack, without the slowest")
    parser.add_argument("--without-original", action="store_true", help="measure this product alone")
    parser.add_argument(
        "--this", type=Path, default=ROOT, metavar="DIR", help="checkout of this product to measure (default: this one)"
    )
    parser.add_argument("--add", action="store_true", help="keep earlier results that are not measured again")
    parser.add_argument(
        "--output", type=Path, default=Path("_benchmarks"), metavar="DIR",
        help="folder of benchmarks.json, benchmarks.md and benchmarks-growth.svg (default: _benchmarks)",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, default=platformdirs.user_cache_path("venvstacks-benchmarks", appauthor=False),
        metavar="DIR", help="folder of both tools, Pythons and workspaces; best on the file system of uv's cache",
    )  # fmt: skip
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; 1 if a contestant failed at something, 2 if nothing could be measured."""
    arguments = _arguments(argv)
    processes = Processes()
    try:
        results = _measure(arguments, processes)
    except (VenvstacksError, MeasurementError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        processes.stop()
        return 130
    _write(results, arguments.output, add=arguments.add)
    return int(any(row.note.startswith("failed") for row in results.rows))


def _measure(arguments: argparse.Namespace, processes: Processes) -> Results:
    kit = Kit(arguments.cache.absolute(), dict(os.environ), processes)
    names: list[Name] = ["this"] if arguments.without_original else ["original", "this"]
    wanted = {"this": (str(arguments.this),), "original": ORIGINAL}
    contestants = [install(name, wanted[name], kit.cache, processes) for name in names]
    machine = describe_machine(contestants, arguments.this, processes)
    operations = [
        operation
        for operation in OPERATIONS.values()
        if operation.name in (arguments.operation or OPERATIONS)
        and not (arguments.quick and not arguments.operation and operation.name in _QUICK_WITHOUT)
    ]
    session = Session(contestants, operations, 1 if arguments.quick else arguments.runs, kit)
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    for name in arguments.stack or (_QUICK_STACKS if arguments.quick else STACKS):
        try:
            rows += session.measure_stack(STACKS[name])
        except UnavailableError as error:
            skipped[name] = str(error)
            print(f"{name}: skipped: {error}", file=sys.stderr)
    return Results(machine, tuple(rows), skipped)


def _write(results: Results, folder: Path, *, add: bool) -> None:
    place = folder / "benchmarks.json"
    earlier = read_results(place) if add else None
    if earlier:
        results = earlier.extended(results)
    write_results(results, place)
    drawn = draw_growth(results, folder / "benchmarks-growth.svg")
    write_atomically(folder / "benchmarks.md", write_report(results, "benchmarks-growth.svg" if drawn else None))
    print(folder / "benchmarks.md")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
