"""What a plan comes to: seconds, bytes, data that its schema describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.tiny_graphs import graph_of
from venvstacks.planning.forecast import Plan, Span, plan_schema, plan_schema_text
from venvstacks.planning.plan import PlannedTask, PlanStatus
from venvstacks.reasons import Reason

GRAPH = """
a: s -> a.out
b: a.out -> b.out
c: a.out -> c.out
"""
COMMITTED = Path(__file__).parents[3] / "docs/schema/plan.schema.json"


def plan_of(a: PlanStatus, b: PlanStatus, c: PlanStatus, jobs: int = 2, **settings: Any) -> Plan:
    seconds: dict[str, float] = {"a": 1.0, "b": 2.0, "c": 4.0}
    reasons = (Reason("changed input", "s", "1", "2", ("numpy 1 -> 2",)),)
    tasks = tuple(
        PlannedTask(name, status, reasons if status == "run" else (), seconds=seconds[name])
        for name, status in zip("abc", (a, b, c), strict=True)
    )
    return Plan(graph_of(GRAPH), tasks, jobs, **settings)


@pytest.mark.parametrize(
    ("plan", "least", "most", "path"),
    [
        (plan_of("up to date", "up to date", "up to date"), 0.0, 0.0, ""),
        (plan_of("run", "maybe", "maybe"), 1.0, 5.0, "a c"),
        (plan_of("run", "maybe", "maybe", jobs=1), 1.0, 7.0, "a c"),
        (plan_of("run", "run", "up to date"), 3.0, 3.0, "a b"),
        (plan_of("blocked", "blocked", "run"), 4.0, 4.0, "c"),
    ],
)
def test_time(plan: Plan, least: float, most: float, path: str) -> None:
    assert plan.seconds == Span(least, most)
    assert " ".join(plan.critical_path.tasks) == path
    assert plan.is_idle == (most == 0)


def test_a_task_that_never_ran_takes_what_such_tasks_take() -> None:
    (node,) = graph_of("a: s -> a.out").nodes
    plan = Plan(graph_of("a: s -> a.out"), (PlannedTask(node.name, "run"),))
    assert plan.seconds.most > 0


def test_downloads() -> None:
    sizes = {"a": 10, "b": 100, "c": 1000}
    assert plan_of("run", "maybe", "up to date", archive_sizes=sizes).download == Span(10, 110)


def test_a_plan_is_a_sequence_of_its_tasks() -> None:
    plan = plan_of("run", "maybe", "maybe")
    assert [task.name for task in plan] == ["a", "b", "c"]
    assert (len(plan), plan[0].name, [task.name for task in plan[1:]]) == (3, "a", ["b", "c"])


def check(data: object, schema: dict[str, Any], place: str = "$") -> None:
    """Hold data against the part of JSON Schema that the plan's schema uses."""
    if "enum" in schema:
        assert data in schema["enum"], place
    if "const" in schema:
        assert data == schema["const"], place
    if "properties" in schema:
        assert isinstance(data, dict)
        assert data.keys() == schema["properties"].keys() == set(schema["required"]), place
        for key, value in data.items():
            check(value, schema["properties"][key], f"{place}.{key}")
    if "items" in schema:
        assert isinstance(data, list), place
        for element in data:
            check(element, schema["items"], f"{place}[]")
    types = {"string": str, "number": (int, float), "integer": int, "null": type(None), "array": list, "object": dict}
    allowed = schema.get("type", [])
    for_this = [types[name] for name in ([allowed] if isinstance(allowed, str) else allowed)]
    assert not for_this or any(isinstance(data, kind) for kind in for_this), place  # type: ignore[arg-type]


def test_the_data_is_as_the_schema_says() -> None:
    data = json.loads(json.dumps(plan_of("run", "maybe", "blocked").as_json()))
    check(data, plan_schema())
    with pytest.raises(AssertionError, match="status"):
        check(data | {"tasks": [data["tasks"][0] | {"status": "perhaps"}]}, plan_schema())


def test_the_committed_schema_is_the_programs() -> None:
    assert COMMITTED.read_text("utf-8") == plan_schema_text(), "run `doit schema`"
