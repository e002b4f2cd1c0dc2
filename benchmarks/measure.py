"""Measures commands: wall time, processor time, peak memory; a command that fails is an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks.tools.process import Processes

_TIMED = Path(__file__).with_name("timed.py")
_LOG_LINES = 30


class MeasurementError(Exception):
    """A command that was to be measured failed, or something that it needs is not to be had."""


class UnavailableError(Exception):
    """A stack or a contestant cannot be had on this machine; the sentence says why, and goes into the report."""


@dataclass(frozen=True)
class Sample:
    """What one execution took.

    Attributes:
        seconds: Wall time of all commands together.
        cpu_seconds: Processor time, descendants included.
        peak_bytes: Largest resident size of any single process.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Place:
    """Where commands run.

    Attributes:
        folder: Working folder.
        environment: All environment variables.
        log: File that collects what they print.
    """

    folder: Path
    environment: Mapping[str, str]
    log: Path


def measure(commands: Sequence[Sequence[str]], place: Place, processes: Processes) -> Sample:
    """Run `commands` one after the other in `place`.

    Raises:
        MeasurementError: One failed; carries the end of its log.
        InterruptedRunError: The benchmark is being stopped.
    """
    order = {
        "log": str(place.log),
        "cwd": str(place.folder),
        "env": dict(place.environment),
        "commands": [list(command) for command in commands],
    }
    argv: list[str | Path] = [sys.executable, "-I", "-S", _TIMED, json.dumps(order)]
    done = json.loads(processes.run(argv, env=place.environment).stdout)
    for command, result in zip(commands, done, strict=False):  # what follows a failure did not run
        if result["status"]:
            end = place.log.read_text("utf-8", errors="replace").splitlines()[-_LOG_LINES:]
            raise MeasurementError("\n".join([f"exit status {result['status']}: {' '.join(command)}", *end]))
    return Sample(
        seconds=sum(result["seconds"] for result in done),
        cpu_seconds=sum(result["cpu_seconds"] for result in done),
        peak_bytes=max(result["peak_bytes"] for result in done),
    )
