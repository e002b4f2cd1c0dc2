"""What a run would do, and why, without running anything.

A plan asks the same rule about every task as a run does (`records.tasks.why_stale`, or the task's own outputs), and
follows the data from task to task. What it says holds for a run that starts now: `run` tasks run, `up to date` ones do
not, for a `maybe` it depends on whether what comes before it comes out the same, and results of `cached` ones are
fetched from the store of shared results.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from venvstacks.graph.taskgraph import TaskGraph, TaskNode
from venvstacks.reasons import Reason
from venvstacks.records.staleness import Present, TaskRecord, why_stale, with_history, with_missing_outputs

PlanStatus = Literal["run", "maybe", "cached", "up to date", "blocked"]

_MAY_CHANGE = frozenset({"changed input", "missing input"})
"""Reasons that a task before may remove: it may write exactly the content that was recorded."""

_ACTIVE = frozenset({"run", "maybe"})
_CHANGING = _ACTIVE | {"cached"}
"""Tasks whose outputs may change, apart from those outputs that are known beforehand."""


class Records(Protocol):
    """Where finished runs are remembered."""

    def record(self, task: str) -> TaskRecord | None:
        """The record of a task's last run."""


@dataclass(frozen=True)
class CachedResult:
    """A result that a store of shared results holds.

    Attributes:
        outputs: Content digests of the files that later tasks read, by stored path.
        size: Bytes that would be fetched.
        seconds: How long the task took where the result was made.
    """

    outputs: Mapping[str, str]
    size: int
    seconds: float


Digest = Callable[[str], str | None]


@dataclass(frozen=True)
class StateView:
    """What a plan knows about records and files; nothing here changes anything.

    Attributes:
        records: Finished runs.
        digest: Content digest of a stored path, or None if there is no such file.
        exists: Whether there is a file or link at a stored path.
        describe_staleness: For tasks whose outputs record what they were made from (locks): why they are not valid.
        found: Further reasons to run, by task, e.g. environments that were changed.
        facts: Facts about an input, e.g. the versions that a lock pins.
        refuses: Whether a task that is stale would fail, since what it made before may not be renewed.
        cached: Gives the shared result of a task, if there is one, by the digests of its inputs, of which those that
            are not known yet are None; None where no store is asked.
    """

    records: Records
    digest: Digest
    exists: Callable[[str], bool]
    describe_staleness: Callable[[TaskNode], tuple[Reason, ...]]
    found: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    facts: Callable[[str], Mapping[str, str]] = lambda _: {}
    refuses: Callable[[TaskNode], bool] = lambda _: False
    cached: Callable[[TaskNode, Digest], CachedResult | None] | None = None


@dataclass(frozen=True)
class PlannedTask:
    """What a plan says about one task.

    Attributes:
        name: The task.
        status: Whether it would run.
        reasons: What makes it run, or keeps it from running; empty where tasks before it are the cause.
        upstream: Tasks before it that would or may run and whose results it uses.
        seconds: How long it took the last time, or None if that is unknown.
        cached_bytes: Bytes that would be fetched from the store of shared results, for status `cached`.
    """

    name: str
    status: PlanStatus
    reasons: tuple[Reason, ...] = ()
    upstream: tuple[str, ...] = ()
    seconds: float | None = None
    cached_bytes: int = 0

    def as_json(self) -> dict[str, object]:
        """The prediction as JSON data."""
        return {
            "task": self.name,
            "status": self.status,
            "reasons": [reason.as_json() for reason in self.reasons],
            "upstream": list(self.upstream),
            "seconds": self.seconds,
        }


def make_plan(
    graph: TaskGraph, state: StateView, forced: Collection[str] = (), unneeded: Collection[str] = ()
) -> tuple[PlannedTask, ...]:
    """Predict what running `graph` would do.

    Args:
        graph: Exactly what would be run, e.g. a closure.
        state: The records and files.
        forced: Tasks that would run in any case.
        unneeded: Tasks whose environments may be missing, from `unneeded_environments`.

    Returns:
        One prediction per task, in the graph's order.
    """
    planned: dict[str, PlannedTask] = {}
    expected: dict[str, str] = {}

    def digest(path: str) -> str | None:
        return expected.get(path) or state.digest(path)

    def settled(path: str) -> str | None:
        maker = planned.get(graph.makers.get(path, ""))
        changes = maker is not None and maker.status in _CHANGING and path not in expected
        return None if changes else digest(path)

    view = replace(state, digest=digest)
    for node in graph.nodes:
        awaited = tuple(path for path in node.outputs if node.name not in unneeded or path not in node.trees)
        missing = [path for path in awaited if not state.exists(path)]
        task = _plan_task(node, graph, view, (forced, missing), (planned, expected))
        host = planned.get(node.within or "")
        if task.status == "maybe" and host and host.status == "run" and any(path in node.trees for path in awaited):
            task = replace(task, status="run")  # its files are removed with the environment that is built again
        found = _shared(node, task, state, forced, settled)
        if found is not None:
            expected.update(found.outputs)
            fetched = not node.trees or node.name in unneeded
            # an environment that is needed is built, and expected to be as the store knows it
            task = replace(task, status="cached", cached_bytes=found.size) if fetched else replace(task, status="run")
        planned[node.name] = task
    return tuple(planned.values())


def _shared(
    node: TaskNode, task: PlannedTask, state: StateView, forced: Collection[str], settled: Digest
) -> CachedResult | None:
    """The shared result of a task that would or may run, unless it is to run in any case."""
    if state.cached is None or task.status not in _ACTIVE or node.name in forced or node.name in state.found:
        return None
    return state.cached(node, settled)


def unneeded_environments(
    graph: TaskGraph, state: StateView, forced: Collection[str] = (), wanted: Collection[str] = ()
) -> frozenset[str]:
    """Tasks whose environments are missing, and that this run does not need, since no task works in them.

    Environments whose results are in the store of shared results count as missing: they are out of date, or not there.
    Where a state folder was restored without environments, an unchanged stack needs none to know that its archives are
    current. A task that may run needs the environments that it uses; those that are built again for it are expected to
    have their recorded content, so that they make no other task run.

    Args:
        graph: Exactly what would be run.
        state: The records and files.
        forced: Tasks that would run in any case.
        wanted: Tasks whose environments are what the run is for.
    """
    if state.cached is None and all(state.exists(path) for node in graph.nodes for path in node.trees):
        return frozenset()
    planned = make_plan(graph, state, forced, {node.name for node in graph.nodes if node.trees})
    cached = {task.name for task in planned if task.status == "cached"}
    missing = {
        node.name
        for node in graph.nodes
        if node.trees and ({node.name, node.within} & cached or not all(map(state.exists, node.trees)))
    }
    if not missing:
        return frozenset()
    pending = [*(task.name for task in planned if task.status in {"run", "maybe"}), *wanted]
    demanded = missing.intersection(wanted)
    while pending:
        node = graph.by_name.get(pending.pop())
        used = (missing - demanded).intersection(node.uses if node else ())
        demanded |= used
        pending.extend(used)
    return frozenset(missing - demanded)


def _plan_task(
    node: TaskNode,
    graph: TaskGraph,
    state: StateView,
    settled: tuple[Collection[str], list[str]],
    before: tuple[Mapping[str, PlannedTask], Mapping[str, str]],
) -> PlannedTask:
    (forced, missing), (planned, expected) = settled, before
    makers = {path: graph.makers[path] for path in (*node.inputs, *node.gathers) if path in graph.makers}
    active = {
        path: maker for path, maker in makers.items() if planned[maker].status in _CHANGING and path not in expected
    }
    upstream = tuple(dict.fromkeys(active.values()))
    record = state.records.record(node.name)
    seconds = record.seconds if record and (record.seconds or record.finished) else None
    blocked = [name for name in sorted(graph.requires(node)) if planned[name].status == "blocked"]
    if blocked:
        reasons = tuple(Reason("missing input", f"the result of {name}") for name in blocked)
        return PlannedTask(node.name, "blocked", reasons, upstream, seconds)
    reasons = (*state.found.get(node.name, ()), *_reasons(node, state, record, active, missing))
    if node.name in forced:
        reasons = (Reason("forced"), *reasons)
    lacking = any(reason.kind == "missing input" for reason in reasons) and not node.self_described
    if lacking or (reasons and state.refuses(node)):
        return PlannedTask(node.name, "blocked", reasons, upstream, seconds)
    if reasons:
        return PlannedTask(node.name, "run", reasons, upstream, seconds)
    return PlannedTask(node.name, "maybe" if upstream else "up to date", (), upstream, seconds)


def _reasons(
    node: TaskNode, state: StateView, record: TaskRecord | None, active: Mapping[str, str], missing: list[str]
) -> tuple[Reason, ...]:
    """Why a task is stale, apart from what tasks before it are about to write anyway."""
    if node.self_described:
        # such outputs name what they were made from in their own words, so all of it counts as what is about to come
        reasons = with_missing_outputs(state.describe_staleness(node), missing)
        reasons = tuple(reason for reason in reasons if not (active and reason.kind in _MAY_CHANGE))
        return with_history(record, reasons)
    inputs = {path: state.digest(path) for path in node.inputs}
    present = Present(inputs, node.fingerprint, node.outputs, missing, state.facts)
    reasons = why_stale(record, present)
    return tuple(reason for reason in reasons if not (reason.subject in active and reason.kind in _MAY_CHANGE))
