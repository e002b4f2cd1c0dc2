"""Deployments under a storm of signals: one command.

    python -m benchmarks.deployment_storm --signals 500

One deployment is changed (deployed to, rolled back, cleaned) by processes that get SIGKILL, SIGTERM or SIGINT at
moments at random, while others read it and get signals too. After each, what is current has to be readable, and its
application has to start and to print the text of one of the publications; at the end a deploy has to succeed, every
file has to be as it was published, and nothing may be left over. The suite runs a short one with the same seed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.support.deployment_storms import Storm
from tests.support.installed_applications import assert_clean
from tests.support.published_layers import application, framework, publish, runtime


def main() -> int:
    """Run the storm; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deployment_storm", description=__doc__.splitlines()[0])
    parser.add_argument("--signals", type=int, default=500, help="signals to send (default: 500)")
    parser.add_argument("--seed", type=int, default=1, help="for commands, signals and moments (default: 1)")
    options = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="venvstacks-storm-") as name:
        folder = Path(name)
        for text in ("1", "2", "3"):
            layers = runtime(text=text), framework("pond"), application("frog", uses=("pond",), text=text)
            publish(folder / text, (*layers, application("toad")))
        sources = tuple(folder / text for text in ("1", "2", "3"))
        storm = Storm(folder / "d", sources, frozenset(f"{text} 1 {text}" for text in ("1", "2", "3")), options.seed)
        storm.rage(options.signals, lambda: _report(storm))
        assert_clean(folder / "d")
    print(f"{storm.sent.total()} signals in {time.perf_counter() - begun:.0f} s: {dict(storm.sent)}")
    print(f"ended with: {dict(sorted(storm.ended.items()))}")
    print(*storm.wrong, sep="\n")
    print(f"{len(storm.wrong)} of them did harm")
    return bool(storm.wrong)


def _report(storm: Storm) -> None:
    print(f"{storm.sent.total()} signals, {len(storm.wrong)} did harm", *storm.wrong[-1:], sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
