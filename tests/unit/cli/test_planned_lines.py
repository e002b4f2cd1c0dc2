"""How plans read on a terminal."""

from __future__ import annotations

import pytest

from tests.support.tiny_graphs import graph_of
from venvstacks.cli.plan_output import draw, plan_lines, readable_bytes
from venvstacks.planning.forecast import Plan
from venvstacks.planning.plan import PlannedTask
from venvstacks.reasons import Reason

GRAPH = graph_of("""
a: s -> a.out
b: a.out -> b.out
c: t -> c.out
d: b.out c.out -> d.out
""")
CHANGED = Reason("changed input", "lock", "1", "2", ("numpy 2.1.0 -> 2.2.0", "+ scipy 1.0"))


def test_first_causes_stand_first_and_what_follows_below_them() -> None:
    tasks = (
        PlannedTask("a", "run", (CHANGED,), seconds=2.0),
        PlannedTask("b", "maybe", upstream=("a",), seconds=1.0),
        PlannedTask("c", "up to date", seconds=1.0),
        PlannedTask("d", "run", (Reason("missing output", "d.out"),), upstream=("b",), seconds=3.0),
    )
    assert list(plan_lines(Plan(GRAPH, tasks, 2, {"d": 1_500_000}))) == [
        "run         a      changed input: lock: numpy 2.1.0 -> 2.2.0, + scipy 1.0",
        "maybe         b",
        "run             d  missing output: d.out",
        "4 tasks: 2 run, 1 maybe, 1 up to date",
        "about 5.0 s to 6.0 s with 2 jobs; longest chain: a > b > d",
        "users of the published archives would download 1.5 MB again",
    ]


def test_several_causes_and_tasks_that_never_ran() -> None:
    tasks = (
        PlannedTask("a", "run", (Reason("never run"),)),
        PlannedTask("b", "run", (Reason("never run"),), upstream=("a",)),
        PlannedTask("c", "run", (Reason("never run"),)),
        PlannedTask("d", "maybe", upstream=("b", "c")),
    )
    lines = list(plan_lines(Plan(GRAPH, tasks)))
    assert lines[:4] == [
        "run         a    never run",
        "run           b  never run",
        "run         c    never run",
        "maybe         d  also after 1 other",
    ]
    assert "(some tasks have never run)" in lines[5]


def test_results_of_other_tasks_are_named_by_these() -> None:
    tasks = (
        PlannedTask("a", "run", (Reason("changed input", "s", "1", "2"),)),
        PlannedTask("d", "run", (Reason("changed input", "c.out", "1", "2"), CHANGED)),
    )
    assert list(plan_lines(Plan(GRAPH, tasks)))[:2] == [
        "run         a  changed input: s: 1 -> 2",
        "run         d  changed result: c; changed input: lock: numpy 2.1.0 -> 2.2.0, + scipy 1.0",
    ]


def test_what_has_to_run_stands_below_what_is_certain_to_run() -> None:
    tasks = (
        PlannedTask("a", "run", (Reason("never run"),)),
        PlannedTask("b", "run", (Reason("forced"),)),
        PlannedTask("c", "maybe", upstream=("a",)),
        PlannedTask("d", "run", upstream=("b", "c")),
    )
    assert list(plan_lines(Plan(GRAPH, tasks)))[:4] == [
        "run         a    never run",
        "maybe         c",
        "run         b    forced",
        "run           d  also after 1 other",
    ]


def test_locks_that_may_not_be_renewed_come_with_a_way_out() -> None:
    graph = graph_of("lock:a: s -> a.lock")
    plan = Plan(graph, (PlannedTask("lock:a", "blocked", (Reason("changed setting", "python", "1", "2"),)),))
    assert list(plan_lines(plan)) == [
        "blocked     lock:a  changed setting: python: 1 -> 2",
        "1 task: 1 blocked",
        "hint: locks that no longer fit are renewed by `venvstacks lock`, or with --lock",
    ]


def test_nothing_to_do() -> None:
    tasks = tuple(PlannedTask(name, "up to date") for name in "abcd")
    assert list(plan_lines(Plan(GRAPH, tasks))) == ["4 tasks: 4 up to date"]
    assert next(iter(plan_lines(Plan(GRAPH, tasks), verbose=True))) == "up to date  a"
    assert list(plan_lines(Plan(graph_of("a: s -> a.out"), ()))) == ["no tasks"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (107_200_000, "107.2 MB")]
)
def test_bytes(value: float, text: str) -> None:
    assert readable_bytes(value) == text


def test_drawings() -> None:
    plan = Plan(GRAPH, tuple(PlannedTask(name, "run") for name in "abcd"))
    assert draw(plan, "dot").startswith("digraph")
    assert draw(plan, "mermaid").startswith("flowchart")
