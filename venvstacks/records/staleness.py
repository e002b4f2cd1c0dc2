"""Records of tasks' last runs, and the rule that gives the reasons for which a task is stale."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from venvstacks.reasons import Reason, compare_settings

CHANGED_MEANWHILE = "saved while it was read"
"""The digest recorded for an input that changed while the task ran."""


@dataclass(frozen=True)
class TaskRecord:
    """The record of a task's last run.

    Attributes:
        inputs: Content digest of each input by path; `CHANGED_MEANWHILE` for one that changed while the task ran.
        fingerprint: Everything else that it depended on.
        outputs: The files that it wrote.
        seconds: How long it took.
        interrupted: Whether a later run began and did not finish.
        failed: The error of the last run if it failed, else None.
        facts: Facts about inputs by path, e.g. the versions that a lock pins.
        finished: Whether the run succeeded; otherwise only its failure and the seconds are known.
    """

    inputs: Mapping[str, str]
    fingerprint: Mapping[str, object] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False
    failed: str | None = None
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    finished: bool = True


def _no_facts(_: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Present:
    """The present state of a task's inputs and outputs.

    Attributes:
        inputs: Content digest of each input by path; None for a missing file.
        fingerprint: Everything else that it depends on.
        outputs: The files that it writes.
        missing: Which of these do not exist.
        facts: Facts about an input now, such as locked versions; only asked for inputs that have changed.
    """

    inputs: Mapping[str, str | None]
    fingerprint: Mapping[str, object]
    outputs: tuple[str, ...]
    missing: Collection[str] = ()
    facts: Callable[[str], Mapping[str, str]] = _no_facts


def why_stale(record: TaskRecord | None, present: Present) -> tuple[Reason, ...]:
    """All reasons for which a task has to run again; none at all if it is up to date.

    Every decision in this program about recorded tasks is made here: by the engine when it runs, by doit's own
    commands, and by plans.
    """
    if record is None or not record.finished:
        gone = [Reason("missing input", path) for path in sorted(present.inputs) if present.inputs[path] is None]
        return (_history(record) or Reason("never run"), *gone)
    reasons = [Reason("interrupted")] if record.interrupted else []
    reasons += compare_settings(dict(record.fingerprint), dict(present.fingerprint))
    reasons += _compare_inputs(record, present)
    if set(record.outputs) != set(present.outputs):
        before, after = set(record.outputs), set(present.outputs)
        reasons.append(
            Reason("changed output list", "", _listed(before - after) or None, _listed(after - before) or None)
        )
    reasons += [Reason("missing output", path) for path in present.outputs if path in present.missing]
    return tuple(reasons)


def _history(record: TaskRecord | None) -> Reason | None:
    """The reason that the last run gives, if it was interrupted or failed."""
    if record is None:
        return None
    if record.interrupted:
        return Reason("interrupted")
    return None if record.failed is None else Reason("failed before", record.failed)


def with_history(record: TaskRecord | None, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The reasons of a task whose outputs record what they were made from, and how its last run ended."""
    history = _history(record)
    return (history, *reasons) if history and reasons else reasons


def with_missing_outputs(reasons: tuple[Reason, ...], missing: Collection[str]) -> tuple[Reason, ...]:
    """The reasons of a task whose outputs record what they were made from, with a reason for each missing output."""
    if any(reason.kind == "missing output" for reason in reasons):
        return reasons
    return reasons + tuple(Reason("missing output", path) for path in missing)


def _compare_inputs(record: TaskRecord, present: Present) -> list[Reason]:
    reasons = []
    old, new = record.inputs, present.inputs
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path), new.get(path)
        if path not in new:
            reasons.append(Reason("dropped input", path))
        elif after is None:
            reasons.append(Reason("missing input", path))
        elif before is None:
            reasons.append(Reason("new input", path))
        elif before != after:
            details = compare_facts(record.facts.get(path, {}), present.facts(path))
            reasons.append(Reason("changed input", path, _short(before), _short(after), details))
    return reasons


def compare_facts(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Differences between the recorded and the present facts about an input; none if either is not known."""
    if not old or not new:
        return ()
    changes = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if before is None or after is None:
            changes.append(f"{'+' if before is None else '-'} {name} {before or after}")
        else:
            changes.append(f"{name} {before} -> {after}")
    return tuple(changes)


def _short(digest: str) -> str:
    return digest if digest == CHANGED_MEANWHILE else digest[:12]


def _listed(paths: Collection[str]) -> str:
    return ", ".join(sorted(paths))
