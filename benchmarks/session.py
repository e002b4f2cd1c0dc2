"""The measuring: for each operation, contestants take turns, so that a load that comes and goes meets both."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.contestants import Contestant
from benchmarks.measure import MeasurementError, Sample
from benchmarks.operations import Operation
from benchmarks.pythons import prepare_pythons
from benchmarks.results import Row
from benchmarks.stacks import Kit, StackCase
from benchmarks.workspace import Workspace
from venvstacks.tools.files import staging_folder


@dataclass(frozen=True)
class Session:
    """One benchmark.

    Attributes:
        contestants: Who takes part; they take turns in this order.
        operations: What is measured, in this order.
        runs: Executions of each operation.
        kit: Starts processes, and knows the folder that stays.
    """

    contestants: Sequence[Contestant]
    operations: Sequence[Operation]
    runs: int
    kit: Kit

    def measure_stack(self, stack: StackCase) -> Iterator[Row]:
        """Measure all operations on one stack.

        Raises:
            UnavailableError: The stack cannot be had on this machine.
            MeasurementError: A contestant cannot even lock and build it.
        """
        runtimes = prepare_pythons(stack.pythons, self.kit.cache, self.kit.processes)
        with staging_folder(self.kit.cache / "work", stack.name) as folder:
            workspaces = [
                Workspace(stack, contestant, folder / contestant.name, runtimes, self.kit)
                for contestant in self.contestants
                if contestant.name == "this" or not stack.without_original
            ]
            for workspace in workspaces:
                workspace.fill()
                workspace.ensure("built")  # whatever any cache can hold is in it from here on
            for operation in self.operations:
                yield from self._measure_operation(operation, workspaces)

    def _measure_operation(self, operation: Operation, workspaces: Sequence[Workspace]) -> Iterator[Row]:
        turns = [_Turns(operation, workspace) for workspace in workspaces]
        for _ in range((self.runs + 1) // 2 if operation.slow else self.runs):
            for turn in turns:
                turn.take()
        for turn in turns:
            tell(turn.row)
            yield turn.row


class _Turns:
    """One contestant's executions of one operation.

    Attributes:
        row: What came of them so far.
    """

    def __init__(self, operation: Operation, workspace: Workspace) -> None:
        self._operation, self._workspace = operation, workspace
        stack, name = workspace.stack, workspace.contestant.name
        note = operation.only_this if name == "original" else ""
        if name == "this" and operation.name == "deploy" and not workspace.contestant.offers("deploy"):
            note = "there is no such command yet"
        self._over = bool(note)
        self.row = Row(stack.name, stack.layers, operation.name, name, note=note)

    def take(self) -> None:
        """Execute the operation once more; a failure is noted, and ends the turns."""
        if self._over:
            return
        try:
            sample = self._execute()
        except MeasurementError as error:
            self._over = True
            self.row = replace(self.row, samples=(), note=f"failed: {str(error).splitlines()[0]}")
            print(error, file=sys.stderr)
            return
        divisor = self._operation.divisor
        sample = replace(sample, seconds=sample.seconds / divisor, cpu_seconds=sample.cpu_seconds / divisor)
        self.row = replace(self.row, samples=(*self.row.samples, sample))

    def _execute(self) -> Sample:
        operation, workspace = self._operation, self._workspace
        operation.prepare(workspace)
        before = self._archive()
        sample = workspace.measure(operation.commands(workspace))
        if operation.archives:
            self.row = replace(self.row, archive_bytes=workspace.archive_bytes(operation.archives))
        if operation.watches_archive and self._archive() == before:
            self.row = replace(self.row, note="the application's archive does not have the change")
        if operation.unsettles:
            workspace.forget("built", "published", "exported")
        return sample

    def _archive(self) -> object:
        if not self._operation.watches_archive:
            return None
        return self._workspace.published()[self._workspace.stack.application]["archive_hashes"]


def tell(row: Row) -> None:
    """Say on stderr what came of an operation."""
    figures = f"{row.seconds:8.3f} s, {row.peak_bytes / 1e6:.0f} MB" if row.samples else f"{'-':>8}"
    tail = f" ({row.note})" if row.note else ""
    print(f"{row.stack:<12} {row.operation:<16} {row.contestant:<9} {figures}{tail}", file=sys.stderr)
