"""What is remembered about a task's last run, and the one rule that says why it is stale."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from venvstacks.reasons import Reason, compare_settings

CHANGED_MEANWHILE = "saved while it was read"
"""Stands for the digest of an input that was another one after the task than before it."""


@dataclass(frozen=True)
class TaskRecord:
    """A finished run of a task.

    Attributes:
        inputs: Content digest of each input by path; `CHANGED_MEANWHILE` for one that was saved while it was read.
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
        gone = [Reason("missing input", path) for path in sorted(present.inputs) if present.inputs[path] is None]
        return (Reason("never run"), *gone)
    reasons = [Reason("interrupted")] if record.interrupted else []
    reasons += compare_settings(dict(record.fingerprint), dict(present.fingerprint))
    reasons += _compare_inputs(record.inputs, present.inputs)
    if set(record.outputs) != set(present.outputs):
        reasons.append(Reason("changed output list", "", _listed(record.outputs), _listed(present.outputs)))
    reasons += [Reason("missing output", path) for path in present.outputs if path in present.missing]
    return tuple(reasons)


def with_missing_outputs(reasons: tuple[Reason, ...], missing: Collection[str]) -> tuple[Reason, ...]:
    """Reasons of a task whose outputs describe themselves, completed: an output that is not there is always one."""
    if any(reason.kind == "missing output" for reason in reasons):
        return reasons
    return reasons + tuple(Reason("missing output", path) for path in missing)


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
            reasons.append(Reason("changed input", path, _short(before), _short(after)))
    return reasons


def _short(digest: str) -> str:
    return digest if digest == CHANGED_MEANWHILE else digest[:12]


def _listed(paths: Collection[str]) -> str:
    return ", ".join(sorted(paths))
