"""What was measured, as plain data: rows of samples, kept as JSON next to the report."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.contestants import Name
from benchmarks.measure import Sample
from venvstacks.tools.files import write_atomically

_FORMAT = 1


@dataclass(frozen=True)
class Row:
    """All executions of one operation by one contestant.

    Attributes:
        stack: Name of the stack.
        layers: How many layers it has.
        operation: Name of the operation.
        contestant: Who did it.
        samples: One per execution, in their order; empty if it was not measured.
        archive_bytes: Size of what was published, if anything was.
        note: Why it was not measured, or what else is to be said.
    """

    stack: str
    layers: int
    operation: str
    contestant: Name
    samples: tuple[Sample, ...] = ()
    archive_bytes: int | None = None
    note: str = ""

    @property
    def key(self) -> tuple[str, str, Name]:
        """What distinguishes rows."""
        return self.stack, self.operation, self.contestant

    @property
    def seconds(self) -> float:
        """Median wall time."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def cpu_seconds(self) -> float:
        """Median processor time."""
        return statistics.median(sample.cpu_seconds for sample in self.samples)

    @property
    def peak_bytes(self) -> int:
        """The highest peak of all executions."""
        return max(sample.peak_bytes for sample in self.samples)


@dataclass(frozen=True)
class Results:
    """A whole benchmark.

    Attributes:
        machine: What it ran on; titles to descriptions.
        rows: What was measured.
        skipped: Names of stacks that could not be measured, and why.
    """

    machine: dict[str, str]
    rows: tuple[Row, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)

    def find(self, stack: str, operation: str, contestant: Name) -> Row | None:
        """The row of that stack, operation and contestant, if it was measured."""
        key = (stack, operation, contestant)
        return next((row for row in self.rows if row.key == key and row.samples), None)

    def extended(self, newer: Results) -> Results:
        """These results with those of `newer` added; where both have a row, the newer one stands."""
        replaced = {row.key for row in newer.rows}
        kept = tuple(row for row in self.rows if row.key not in replaced)
        measured = {row.stack for row in newer.rows}
        skipped = {name: why for name, why in self.skipped.items() if name not in measured}
        return Results({**self.machine, **newer.machine}, (*kept, *newer.rows), {**skipped, **newer.skipped})


def write_results(results: Results, path: Path) -> None:
    """Write results as JSON.

    Raises:
        OSError: The file cannot be written.
    """
    write_atomically(path, json.dumps({"format": _FORMAT, **asdict(results)}, indent=1) + "\n")


def read_results(path: Path) -> Results | None:
    """Earlier results, or None if there are none in this format."""
    if not path.exists():
        return None
    stored = json.loads(path.read_text("utf-8"))
    if stored.pop("format") != _FORMAT:
        return None
    rows = (Row(**{**row, "samples": tuple(Sample(**sample) for sample in row["samples"])}) for row in stored["rows"])
    return Results(stored["machine"], tuple(rows), stored["skipped"])
