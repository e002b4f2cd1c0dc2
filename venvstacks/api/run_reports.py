"""How a run ended: the outcomes of its tasks, and what people and exit codes say about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.engine.outcomes import Outcome
from venvstacks.errors import ExitCode, VenvstacksError
from venvstacks.graph.schedule import CriticalPath

if TYPE_CHECKING:
    from venvstacks.locking.lock_changes import LockChanges


@dataclass(frozen=True)
class Report:
    """How a run ended.

    Attributes:
        outcomes: One per task, in the graph's order.
        unaffected: Tasks that stayed up to date although a task before them ran: its result was the same as before.
        critical_path: The longest chain of the tasks that ran: no number of processors makes the run shorter.
        events: The event log of the run, or None where no task ran.
        remarks: Remarks for users about the run as a whole, e.g. that the remote cache was left alone.
    """

    outcomes: tuple[Outcome, ...]
    unaffected: tuple[str, ...] = ()
    critical_path: CriticalPath = field(default_factory=CriticalPath)
    events: Path | None = None
    remarks: tuple[str, ...] = ()

    @property
    def cut_off(self) -> tuple[str, ...]:
        """The name of `unaffected` in earlier releases."""
        return self.unaffected

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Tasks that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    @property
    def lock_changes(self) -> dict[str, LockChanges]:
        """Environment names of the layers whose locks changed, to what changed."""
        ran = {o.name: o.values.get("changes") for o in self.outcomes if o.values and o.name.startswith("lock:")}
        changed = {name: data for name, data in ran.items() if data}
        if not changed:
            return {}
        from venvstacks.locking.lock_changes import LockChanges  # noqa: PLC0415 - few runs change locks

        return {name.partition(":")[2]: LockChanges.from_json(data) for name, data in changed.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for users about results, e.g. about entries of earlier locks that could not be read."""
        notes = (note for outcome in self.outcomes for note in (outcome.values or {}).get("notes", ()))
        return (*notes, *self.remarks)

    @property
    def cached_bytes(self) -> dict[str, int]:
        """Tasks whose results came from the remote cache, to the bytes that were fetched."""
        return {o.name: o.values["cached_bytes"] for o in self.outcomes if o.values and "cached_bytes" in o.values}

    @property
    def exit_code(self) -> ExitCode:
        """0, the failed tasks' common exit code, or `MIXED`."""
        codes = {_exit_code(outcome.error) for outcome in self.failures}
        if len(codes) > 1:
            return ExitCode.MIXED
        return codes.pop() if codes else ExitCode.DONE


def _exit_code(error: BaseException | None) -> ExitCode:
    return error.exit_code if isinstance(error, VenvstacksError) else ExitCode.MIXED
