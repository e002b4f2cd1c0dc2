"""Measures the pipeline on the sample project: `python benchmarks/pipeline.py [--runs N] [--jobs N]`.

Everything happens in a copy below a temporary folder. uv's cache and the cache of runtimes are the user's, and warmed
by one run that does not count. Prints a Markdown table of medians: wall time, peak memory of the tool itself, child
processes that it started. Nothing else should be running.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "sample_project"
GENERATED = ("_build", "_artifacts", "_export")

# Measured from within, so that children are counted and the peak is the tool's own.
MEASURE = """
import json, resource, sys, time
began = time.perf_counter()
from venvstacks.tools import process
counted = []
inner = process.Processes._start
process.Processes._start = lambda self, command, *more: counted.append(command[0]) or inner(self, command, *more)
from venvstacks.cli import main
sys.argv[0] = "venvstacks"
try:
    code = main()
except SystemExit as end:
    code = end.code
unit = 1024 if sys.platform == "linux" else 1
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
seconds = time.perf_counter() - began
print(json.dumps({"code": int(code or 0), "seconds": seconds, "peak": peak, "children": len(counted)}))
"""


@dataclass(frozen=True)
class Sample:
    """One measured command: wall seconds from the first import on, peak memory in bytes, child processes."""

    seconds: float
    peak: int
    children: int


@dataclass(frozen=True)
class Case:
    """A command to be measured, with what has to be done before each run."""

    title: str
    arguments: Sequence[str]
    prepare: Callable[[Path], None]


def nothing(_: Path) -> None:
    """Leave everything as it is."""


def without(*folders: str) -> Callable[[Path], None]:
    """Remove folders first."""

    def prepare(base: Path) -> None:
        for folder in folders:
            shutil.rmtree(base / folder, ignore_errors=True)

    return prepare


def change_one_byte(base: Path) -> None:
    """Change one byte of a launch module, another one each time."""
    module = base / "launch_modules/scipy_import.py"
    text = module.read_text("utf-8").removesuffix("# a\n").removesuffix("# b\n")
    ending = "# b\n" if module.read_text("utf-8").endswith("# a\n") else "# a\n"
    module.write_text(text + ending, "utf-8")


CASES = (
    Case("lock from nothing", ("lock",), without("requirements", *GENERATED)),
    Case("build all environments from valid locks", ("build",), without(*GENERATED)),
    Case("publish", ("publish",), without("_artifacts")),
    Case("local export", ("local-export",), without("_export")),
    Case("whole pipeline, nothing changed", ("build", "--publish"), nothing),
    Case("whole pipeline, one byte of a launch module changed", ("build", "--publish"), change_one_byte),
)


def measure(base: Path, arguments: Sequence[str], jobs: int | None) -> Sample:
    """Run one command in a process of its own.

    Raises:
        SystemExit: It failed; says what it said.
    """
    command, *options = arguments
    options += ["--jobs", str(jobs)] if jobs else []
    argv = [sys.executable, "-c", MEASURE, "-q", command, "venvstacks.toml", *options]
    done = subprocess.run(argv, cwd=base, text=True, capture_output=True, env=dict(os.environ), check=False)
    report = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"code": 1}
    if report["code"]:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    return Sample(report["seconds"], report["peak"], report["children"])


def run_cases(base: Path, runs: int, jobs: int | None) -> None:
    """Measure every case and print the table as it grows."""
    for arguments in (("lock",), ("build", "--publish"), ("local-export",)):
        measure(base, arguments, jobs)
    print("| sample project | seconds (median) | fastest-slowest | peak MB | child processes |")
    print("|---|---|---|---|---|")
    for case in CASES:
        samples = []
        for _ in range(runs):
            case.prepare(base)
            samples.append(measure(base, case.arguments, jobs))
        seconds = [sample.seconds for sample in samples]
        peak = max(sample.peak for sample in samples) / 1e6
        children = statistics.median_low([sample.children for sample in samples])
        spread = f"{min(seconds):.2f}-{max(seconds):.2f}"
        print(f"| {case.title} | {statistics.median(seconds):.2f} | {spread} | {peak:.0f} | {children} |", flush=True)


def main() -> None:
    """Measure in a temporary copy of the sample project."""
    parser = argparse.ArgumentParser(description="Measure the pipeline on the sample project.")
    parser.add_argument("--runs", type=int, default=5, help="runs per case (default 5)")
    parser.add_argument("--jobs", type=int, help="tasks at the same time (default: as many as processors)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="venvstacks-benchmark-") as folder:
        base = Path(folder) / "sample"
        shutil.copytree(SAMPLE, base, ignore=shutil.ignore_patterns(*GENERATED))
        run_cases(base, options.runs, options.jobs)


if __name__ == "__main__":
    main()
