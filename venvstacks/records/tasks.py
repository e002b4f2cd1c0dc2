"""What is remembered about a task's last run, and the one rule that says why it is stale."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from venvstacks.reasons import Reason, compare_settings


@dataclass(frozen=True)
class TaskRecord:
    """A finished run of a task.

    Attributes:
        inputs: Content digest of each input by path.
        fingerprint: Everything else that it depended on.
        outputs: What it left behind.
        seconds: How long it took.
        interrupted: Whether a later run began and did not finish.
    """

    inputs: Mapping[str, str]
    fingerprint: Mapping[str, object] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False


@dataclass(frozen=True)
class Present:
    """How things stand for a task now.

    Attributes:
        inputs: Content digest of each input by path; None for a file that is not there.
        fingerprint: Everything else that it depends on.
        outputs: What it is to leave behind.
        missing: Which of these are not there.
    """

    inputs: Mapping[str, str | None]
    fingerprint: Mapping[str, object]
    outputs: tuple[str, ...]
    missing: Collection[str] = ()


def why_stale(record: TaskRecord | None, present: Present) -> tuple[Reason, ...]:
    """All reasons for which a task has to run again; none at all if it is up to date.

    Every decision in this program about recorded tasks is made here: by the engine when it runs, by doit's own
    commands, and by plans.
    """
    if record is None:
        return (Reason("never run"),)
    reasons = [Reason("interrupted")] if record.interrupted else []
    reasons += compare_settings(dict(record.fingerprint), dict(present.fingerprint))
    reasons += _compare_inputs(record.inputs, present.inputs)
    if set(record.outputs) != set(present.outputs):
        reasons.append(Reason("changed output list", "", _listed(record.outputs), _listed(present.outputs)))
    reasons += [Reason("missing output", path) for path in present.outputs if path in present.missing]
    return tuple(reasons)


def _compare_inputs(old: Mapping[str, str], new: Mapping[str, str | None]) -> list[Reason]:
    reasons = []
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if path not in new:
            reasons.append(Reason("dropped input", path))
        elif after is None:
            reasons.append(Reason("missing input", path))
        elif before is None:
            reasons.append(Reason("new input", path))
        elif before != after:
            reasons.append(Reason("changed input", path, before[:12], after[:12]))
    return reasons


def _listed(paths: Collection[str]) -> str:
    return ", ".join(sorted(paths))
