"""The command: choose a part, measure it, write results, report and picture."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from benchmarks.contestants import ORIGINAL, ROOT, Name, install
from benchmarks.machine import describe_machine
from benchmarks.measure import MeasurementError, UnavailableError
from benchmarks.operations import OPERATIONS
from benchmarks.picture import draw_growth
from benchmarks.report import write_report
from benchmarks.results import Results, Row, read_results, write_results
from benchmarks.session import Session
from benchmarks.stacks import STACKS, Kit
from venvstacks.errors import InterruptedRunError, UsageError, VenvstacksError
from venvstacks.tools.files import write_atomically
from venvstacks.tools.process import Processes

_RESULTS, _REPORT, _PICTURE = "benchmarks.json", "benchmarks.md", "benchmarks-growth.svg"
_QUICK_STACKS = ("layers-10",)
_QUICK_WITHOUT = (
    "publish-small", "pipeline-alone", "unpack", "deploy-by-hand", "export-linked", "export-kept", "unpack-bytecode",
    "deploy-bytecode",
)  # fmt: skip


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
    parser.add_argument("--original", default=ORIGINAL[0], metavar="REQUIREMENT", help="release of the original")
    parser.add_argument("--add", action="store_true", help="keep earlier results that are not measured again")
    parser.add_argument(
        "--output", type=Path, default=Path("_benchmarks"), metavar="DIR",
        help=f"folder of {_RESULTS}, {_REPORT} and {_PICTURE} (default: _benchmarks)",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, default=platformdirs.user_cache_path("venvstacks-benchmarks", appauthor=False),
        metavar="DIR", help="folder of both tools, Pythons and workspaces; best on the file system of uv's cache",
    )  # fmt: skip
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run the benchmark; 1 if a contestant failed at something, 2 if one could not be installed."""
    arguments = _arguments(argv)
    processes = Processes()
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever waits for a child then gets an InterruptedRunError
        signal.signal(number, lambda *_: processes.stop())
    try:
        with _alone(arguments.cache):
            return int(_measure(arguments, processes))
    except InterruptedRunError as error:
        return error.exit_code
    except VenvstacksError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


@contextlib.contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Hold the folder that stays: two benchmarks would disturb each other's figures and installations.

    Raises:
        UsageError: Another benchmark holds it.
    """
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(cache / "benchmark.lock", timeout=0):
            yield
    except Timeout:
        raise UsageError(
            "another benchmark is running", hint="wait for its end: figures taken side by side are of no use"
        ) from None


def _measure(arguments: argparse.Namespace, processes: Processes) -> bool:
    """Measure everything, writing down after each stack what there is; say whether anything failed."""
    kit = Kit(arguments.cache.absolute(), dict(os.environ), processes)
    session = _open(arguments, kit)
    machine = describe_machine(session.contestants, arguments.this, kit.cache, processes)
    results = Results(machine)
    if arguments.add:
        results = (read_results(arguments.output / _RESULTS) or results).extended(results)
    failed = False
    for name in arguments.stack or (_QUICK_STACKS if arguments.quick else STACKS):
        rows: list[Row] = []
        why = ""
        try:
            rows += session.measure_stack(STACKS[name])
        except UnavailableError as error:
            why = str(error)
        except MeasurementError as error:
            why, failed = str(error), True
        if why:
            print(f"{name}: not measured: {why}", file=sys.stderr)
        skipped = {name: why.splitlines()[0]} if why else {}
        results = results.extended(Results(machine, tuple(rows), skipped))
        failed = failed or any(row.note.startswith("failed") for row in rows)
        _write(results, arguments.output)
    print(arguments.output / _REPORT)
    return failed


def _open(arguments: argparse.Namespace, kit: Kit) -> Session:
    names: list[Name] = ["this"] if arguments.without_original else ["original", "this"]
    wanted = {"this": (str(arguments.this),), "original": (arguments.original, *ORIGINAL[1:])}
    contestants = [install(name, wanted[name], kit.cache, kit.processes) for name in names]
    chosen = arguments.operation or [
        name for name in OPERATIONS if not (arguments.quick and name in _QUICK_WITHOUT)
    ]  # fmt: skip
    operations = [operation for operation in OPERATIONS.values() if operation.name in chosen]
    return Session(contestants, operations, 1 if arguments.quick else arguments.runs, kit)


def _write(results: Results, folder: Path) -> None:
    write_results(results, folder / _RESULTS)
    drawn = draw_growth(results, folder / _PICTURE)
    write_atomically(folder / _REPORT, write_report(results, _PICTURE if drawn else None))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
