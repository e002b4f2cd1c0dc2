"""A plan as a whole: how long the run would take, what users would download again, and all of it as data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_args, overload

from venvstacks.graph.schedule import FIRST_ESTIMATES, CriticalPath, critical_path, expected_makespan
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.planning.plan import PlannedTask, PlanStatus
from venvstacks.reasons import ReasonKind

FORMAT = 1
"""Raised when the data of a plan changes so that programs have to know."""


@dataclass(frozen=True)
class Span:
    """Least and most: if every `maybe` comes out the same, and if none does."""

    least: float = 0
    most: float = 0

    def as_json(self) -> dict[str, float]:
        """The span as JSON data."""
        return {"least": round(self.least, 3), "most": round(self.most, 3)}


@dataclass(frozen=True)
class Plan(Sequence[PlannedTask]):
    """What a run would do: its tasks in the graph's order, with totals.

    Attributes:
        graph: What would be run.
        tasks: One prediction per task, in the graph's order.
        jobs: Tasks that would run at the same time.
        archive_sizes: Bytes of the archives that are published at present, by task.
        remarks: Remarks for users about the plan as a whole.
    """

    graph: TaskGraph
    tasks: tuple[PlannedTask, ...]
    jobs: int = 1
    archive_sizes: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> PlannedTask: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PlannedTask, ...]: ...
    def __getitem__(self, index: int | slice) -> PlannedTask | tuple[PlannedTask, ...]:
        return self.tasks[index]

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[PlannedTask]:
        return iter(self.tasks)

    @cached_property
    def counts(self) -> Counter[PlanStatus]:
        """Number of tasks by status."""
        return Counter(task.status for task in self.tasks)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be done."""
        return self.counts["up to date"] == len(self.tasks)

    def expected_seconds(self, *statuses: PlanStatus) -> dict[str, float]:
        """How long each task of some statuses is expected to take: as the last time, or what such tasks take."""
        kinds = {node.name: node.kind for node in self.graph.nodes}
        return {
            task.name: FIRST_ESTIMATES[kinds[task.name]] if task.seconds is None else task.seconds
            for task in self.tasks
            if task.status in statuses
        }

    @cached_property
    def seconds(self) -> Span:
        """How long the run would take."""
        certain, possible = self.expected_seconds("run"), self.expected_seconds("run", "maybe")
        times = [expected_makespan(self.graph, seconds, self.jobs) for seconds in (certain, possible)]
        return Span(min(times), max(times))

    @cached_property
    def critical_path(self) -> CriticalPath:
        """The longest chain of tasks, if every `maybe` runs."""
        return critical_path(self.graph, self.expected_seconds("run", "maybe"))

    @cached_property
    def download(self) -> Span:
        """Bytes of published archives that would be replaced, so that users who have them would download them again."""

        def total(*statuses: PlanStatus) -> int:
            return sum(self.archive_sizes.get(task.name, 0) for task in self.tasks if task.status in statuses)

        return Span(total("run"), total("run", "maybe"))

    @property
    def cached_bytes(self) -> int:
        """Bytes that would be fetched from the store of shared results."""
        return sum(task.cached_bytes for task in self.tasks)

    def as_json(self) -> dict[str, object]:
        """The plan as JSON data; docs/schema/plan.schema.json describes it."""
        return {
            "format": FORMAT,
            "tasks": [task.as_json() for task in self.tasks],
            "counts": {status: self.counts[status] for status in get_args(PlanStatus)},
            "jobs": self.jobs,
            "seconds": self.seconds.as_json(),
            "critical_path": {"tasks": list(self.critical_path.tasks), "seconds": round(self.critical_path.seconds, 3)},
            "download_bytes": self.download.as_json(),
            "cached_bytes": self.cached_bytes,
        }


def plan_schema() -> dict[str, Any]:
    """The JSON schema of `Plan.as_json`."""
    text, number, names = {"type": "string"}, {"type": "number", "minimum": 0}, {"type": "array"}
    statuses = list(get_args(PlanStatus))
    span = _table("if every `maybe` comes out the same, and if none does", least=number, most=number)
    reason = _table(
        "one thing that makes the task run",
        kind={"enum": list(get_args(ReasonKind))},
        subject={**text, "description": "the file, setting or requirement; empty where the kind says all"},
        old={"type": ["string", "null"]},
        new={"type": ["string", "null"]},
        details={**names, "items": text, "description": "what exactly differs, e.g. numpy 2.1.0 -> 2.2.0"},
    )
    task = _table(
        "what would become of one task",
        task=text,
        status={"enum": statuses},
        reasons={**names, "items": reason, "description": "its own; none where only tasks before it make it run"},
        upstream={**names, "items": text, "description": "tasks before it that would or may run"},
        seconds={"type": ["number", "null"], "description": "how long it took the last time"},
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "what `venvstacks plan --json` prints",
        **_table(
            "a plan",
            format={"const": FORMAT},
            tasks={**names, "items": task},
            counts=_table("tasks by status", **{status: {"type": "integer", "minimum": 0} for status in statuses}),
            jobs={"type": "integer", "minimum": 1},
            seconds=span,
            critical_path=_table("the longest chain of tasks", tasks={**names, "items": text}, seconds=number),
            download_bytes=span,
            cached_bytes={
                "type": "integer",
                "minimum": 0,
                "description": "bytes that would be fetched from the remote cache",
            },
        ),
    }


def plan_schema_text() -> str:
    """The schema as the committed file has it."""
    return json.dumps(plan_schema(), indent=2, sort_keys=True) + "\n"


def _table(description: str, **properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
