"""Damage files of every format that is read, and see that each command answers as it should: one command.

    python -m benchmarks.mutations --inputs 50000 --apart 500

Each format of `tests.support.mutated_inputs` gets the same number of damaged files; a part of them is read by processes
of their own, within 2 GiB of memory. Seeds are numbers: `--format NAME --seed N` repeats one trial.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.support.mutated_inputs import FORMATS, Ending, Format, Samples, run_apart, run_here


def main() -> int:
    """Run the trials; 1 if one showed a fault."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutations", description=(__doc__ or "").split(":")[0])
    parser.add_argument("--inputs", type=int, default=50_000, metavar="N", help="damaged files (default: 50000)")
    parser.add_argument("--apart", type=int, default=0, metavar="N", help="so many of them in processes of their own")
    parser.add_argument("--format", action="append", choices=[kind.name for kind in FORMATS], help="only this format")
    parser.add_argument("--seed", type=int, help="only this trial")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="first seed (default: 0)")
    arguments = parser.parse_args()
    kinds = [kind for kind in FORMATS if not arguments.format or kind.name in arguments.format]
    each = max(1, arguments.inputs // len(kinds))
    seeds = range(arguments.first, arguments.first + each) if arguments.seed is None else [arguments.seed]
    apart = max(1, each * arguments.inputs // arguments.apart // each) if arguments.apart else 0
    with tempfile.TemporaryDirectory(prefix="venvstacks-mutations-") as folder:
        samples = Samples(Path(folder))
        wrong = sum(_trials(samples, kind, seeds, apart) for kind in kinds)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{len(seeds) * len(kinds)} damaged files, {wrong} faults, {memory} MiB of memory at most in this process")
    return int(wrong > 0)


def _trials(samples: Samples, kind: Format, seeds: range | list[int], apart: int) -> int:
    """Run the trials of one format; returns how many showed a fault."""
    wrong, slowest = 0, 0.0

    def apart_from_this(command: list[str]) -> Ending:
        return run_apart(command, samples.folder)

    for seed in seeds:
        begun = time.monotonic()
        run = apart_from_this if apart and seed % apart == 0 else run_here
        fault = samples.trial(kind, seed, run)
        slowest = max(slowest, time.monotonic() - begun)
        if fault:
            wrong += 1
            print(fault, file=sys.stderr, flush=True)
    print(f"{kind.name}: {len(seeds)} damaged files, {wrong} faults, {slowest:.1f} s for the slowest", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
