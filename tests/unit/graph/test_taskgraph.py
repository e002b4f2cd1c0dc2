from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks.errors import ExitCode, GraphError
from venvstacks.graph.taskgraph import TaskGraph, TaskNode


def node(name: str, reads: str = "", makes: str = "", after: str = "", gathers: str = "") -> TaskNode:
    """A task; its files and predecessors are written with blanks between them."""
    return TaskNode(
        name, "build", name, inputs=tuple(reads.split()), gathers=tuple(gathers.split()),
        outputs=tuple(makes.split()), after=tuple(after.split()),
    )  # fmt: skip


def graph(*nodes: TaskNode, sources: str = "") -> TaskGraph:
    return TaskGraph(nodes, frozenset(sources.split()))


def names(nodes: Iterable[TaskNode]) -> list[str]:
    return [each.name for each in nodes]


WRONG = {
    "same name": ([node("a"), node("a")], ["two tasks are called a"]),
    "same output": ([node("a", makes="f"), node("b", makes="f")], ["a and b both make f"]),
    "missing input": ([node("a", reads="f")], ["a: nothing makes its input f, and it is not a source file"]),
    "missing predecessor": ([node("a", after="b")], ["a: there is no task 'b' to go after"]),
    "several at once": (
        [node("a", makes="f f"), node("b", reads="x y", after="z")],
        ["a and a both make f", "b: nothing makes its input x", "b: nothing makes its input y", "there is no task 'z'"],
    ),
}


@pytest.mark.parametrize(("nodes", "expected"), WRONG.values(), ids=list(WRONG))
def test_what_does_not_hold_together(nodes: list[TaskNode], expected: list[str]) -> None:
    with pytest.raises(GraphError, match="does not hold together") as caught:
        graph(*nodes)
    assert len(caught.value.details) == len(expected)
    for line, part in zip(caught.value.details, expected, strict=True):
        assert part in line
    assert caught.value.exit_code is ExitCode.SPECIFICATION


@pytest.mark.parametrize(
    ("nodes", "cycle"),
    [
        ([node("a", reads="f", makes="f")], "a -> a"),
        ([node("a", reads="g", makes="f"), node("b", reads="f", makes="g")], "a -> b -> a|b -> a -> b"),
        ([node("a", after="b"), node("b", after="a")], "a -> b -> a|b -> a -> b"),
        ([node("a", gathers="g", makes="f"), node("b", reads="f", makes="g")], "a -> b -> a|b -> a -> b"),
    ],
)
def test_cycles(nodes: list[TaskNode], cycle: str) -> None:
    with pytest.raises(GraphError, match=f"the task graph has a cycle: ({cycle})$"):
        graph(*nodes)


def test_a_declared_order_that_works_is_kept() -> None:
    tasks = [node("c"), node("a", makes="f"), node("d", reads="f"), node("b", after="c")]
    assert names(graph(*tasks).nodes) == ["c", "a", "d", "b"]


def test_tasks_come_after_those_that_they_need() -> None:
    assert names(graph(node("a", reads="f"), node("b", after="c"), node("c", makes="f")).nodes) == ["c", "a", "b"]


@given(st.permutations(range(6)), st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_any_order_becomes_one_that_works(declared: list[int], edges: set[tuple[int, int]]) -> None:
    reads = {n: " ".join(f"f{low}" for low, high in sorted(edges) if low < high == n) for n in declared}
    nodes = [node(f"t{n}", reads=reads[n], makes=f"f{n}") for n in declared]
    ordered = graph(*nodes).nodes
    assert {task.name for task in ordered} == {task.name for task in nodes}
    made: set[str] = set()
    for task in ordered:
        assert made >= set(task.inputs)
        made |= set(task.outputs)


LITTLE = graph(
    node("lock", reads="spec", makes="l"),
    node("build", reads="l", makes="b"),
    node("link", reads="b", makes="k", after="other"),
    node("other", makes="o"),
    node("manifest", gathers="k o", makes="m"),
    sources="spec",
)


@pytest.mark.parametrize(
    ("goals", "expected"),
    [
        ([], []),
        (["lock"], ["lock"]),
        (["build"], ["lock", "build"]),
        (["link"], ["lock", "build", "other", "link"]),
        (["manifest"], ["manifest"]),
        (["manifest", "build"], ["lock", "build", "manifest"]),
        (["build", "build"], ["lock", "build"]),
    ],
)
def test_closure(goals: list[str], expected: list[str]) -> None:
    assert names(LITTLE.closure(goals).nodes) == expected


def test_closure_of_an_unknown_goal() -> None:
    with pytest.raises(GraphError, match="there is no task 'x'"):
        LITTLE.closure(["x"])


def test_gathered_makers_go_first_but_are_not_required() -> None:
    manifest = LITTLE.by_name["manifest"]
    assert LITTLE.needs(manifest) == {"link", "other"}
    assert LITTLE.requires(manifest) == set()
    assert LITTLE.requires(LITTLE.by_name["link"]) == {"build", "other"}


def test_without_takes_what_is_there() -> None:
    rest = LITTLE.without({"build", "other"})
    assert names(rest.nodes) == ["lock", "link", "manifest"]
    assert rest.sources == {"spec", "b", "o"}
    assert rest.requires(rest.by_name["link"]) == set()


def test_makers() -> None:
    assert LITTLE.makers == {"l": "lock", "b": "build", "k": "link", "o": "other", "m": "manifest"}
